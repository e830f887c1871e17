import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { create } from '../test/laid-out.ts'
import { createStore } from './index.ts'
import { namesOf } from './names.ts'

const folder = mkdtempSync(join(tmpdir(), 'sess-create-store-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the names in the new package', () => {
  test.each([
    ['my-store', 'my-store', 'my', 'my-store', 'myStore', 'MyStore'],
    ['sess-pg', 'sess-pg', 'pg', 'pg-store', 'pgStore', 'PgStore'],
    ['@acme/sess-big-table', 'sess-big-table', 'big-table', 'big-table-store', 'bigTableStore', 'BigTableStore'],
    ['@my-store/etcd3', 'etcd3', 'etcd3', 'etcd3-store', 'etcd3Store', 'Etcd3Store'],
  ])('of %s', (packageName, folder, store, file, factory, type) => {
    expect(namesOf(packageName)).toEqual({ packageName, folder, store, file, factory, type })
  })

  test.each([
    ['./my-store', /is a path: give the name of the package, and the folder with --folder/],
    ['@acme/deep/my-store', /is a path/],
    ['My-Store', /is not a name for the package: use lower-case letters/],
    ['', /is not a name/],
    ['..', /is not a name/],
    ['@acme/', /is not a name/],
    ['a'.repeat(215), /is not a name/],
    ['my store', /is not a name/],
    ['store', /leaves no name for the store: name the database/],
    ['sess-store', /leaves no name for the store/],
    ['sess-3d', /beginning with a letter/],
  ])('refuses %j', (name, message) => {
    expect(() => namesOf(name)).toThrow(message)
  })
})

describe('the new package', () => {
  test('has the name of the store wherever the template has its own name', () => {
    const created = createStore({ name: '@my-store/sess-etcd', folder: join(folder, 'etcd') })
    expect(created).toEqual({
      folder: join(folder, 'etcd'),
      files: [
        '.github/workflows/conformance.yml',
        '.gitignore',
        'README.md',
        'package.json',
        'src/conformance.test.ts',
        'src/etcd-store.ts',
        'src/index.ts',
        'test/harness.ts',
        'tsconfig.build.json',
        'tsconfig.json',
      ],
      module: 'src/etcd-store.ts',
      factory: 'etcdStore',
    })
    for (const file of created.files)
      expect(readFileSync(join(created.folder, file), 'utf8').replaceAll('@my-store/', ''), file).not.toMatch(
        /my-?store|sess-my|'my'/i,
      )
  })

  test('has the versions that this package was tested with', () => {
    const { folder: here } = createStore({ name: 'versions', folder: join(folder, 'versions') })
    const read = (path: string | URL): unknown => JSON.parse(readFileSync(path, 'utf8'))
    const { devDependencies } = read(new URL('../package.json', import.meta.url)) as { devDependencies: object }
    expect(read(join(here, 'package.json'))).toMatchObject({
      name: 'versions',
      devDependencies,
      peerDependencies: { '@sess/core': (devDependencies as Record<string, string>)['@sess/core'] },
    })
  })
})

describe('the command', () => {
  test('prints how it is used', async () => {
    expect(await create(folder, '--help')).toEqual({
      code: 0,
      output: expect.stringContaining('Usage: npm create') as unknown,
    })
  })

  test('accepts a folder with nothing but a new repository, and changes no other folder that is not empty', async () => {
    mkdirSync(join(folder, 'here/.git'), { recursive: true })
    expect(await create(join(folder, 'here'), 'pg-store', '--folder', '.')).toEqual({
      code: 0,
      output: expect.stringContaining('pgStore() in src/pg-store.ts') as unknown,
    })
    const before = readdirSync(join(folder, 'here'), { recursive: true })
    expect(await create(folder, 'here-store', '--folder', 'here')).toEqual({
      code: 2,
      output: 'create-store: here is not empty; nothing was changed. Name another folder with --folder\n',
    })
    expect(readdirSync(join(folder, 'here'), { recursive: true })).toEqual(before)
    writeFileSync(join(folder, 'taken'), '')
    expect(await create(folder, 'taken')).toEqual({
      code: 2,
      output: 'create-store: taken is a file: name a folder with --folder\n',
    })
  })

  test.each([
    ['no name', [], 'give one name for the package; --help shows how'],
    ['two names', ['one', 'two'], 'give one name'],
    ['an unknown option', ['one', '--force'], "'--force'"],
    ['a bad name', ['One'], '"One" is not a name for the package'],
  ])('refuses %s', async (_, args, sentence) => {
    expect(await create(folder, ...args)).toEqual({ code: 2, output: expect.stringContaining(sentence) as unknown })
  })
})

test('refuses unknown options by name', () => {
  expect(() => createStore({ name: 'sess-x', dir: 'x' } as never)).toThrow('dir is no option of createStore()')
  expect(() => createStore(undefined as never)).toThrow('name must be text')
})
