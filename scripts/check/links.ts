import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { root } from '../bootstrap.mjs'

/** The text of a document without code blocks and code spans, which cannot contain links or headings. */
function proseOf(file: string): string {
  return readFileSync(file, 'utf8')
    .replaceAll(/^ *(`{3,})[^\n]*\n.*?^ *\1`*$/gms, '')
    .replaceAll(/<!--.*?-->/gs, '')
}

/** The anchors of a document, as GitHub derives them from its headings. */
function anchorsOf(file: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of proseOf(file).matchAll(/^#{1,6} (.+)$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = text.replaceAll(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-')
    let unique = anchor
    for (let i = 1; anchors.has(unique); i++) unique = `${anchor}-${i}`
    anchors.add(unique)
  }
  return anchors
}

/** The broken links of a document: those to a missing file or heading of the repository. */
export function deadLinksOf(document: string): string[] {
  const file = join(root, document)
  const prose = proseOf(file).replaceAll(/`[^`\n]*`/g, (code) => ' '.repeat(code.length))
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return []
    const [path, anchor] = link.split('#') as [string, string?]
    const target = path === '' ? file : join(dirname(file), path)
    if (!existsSync(target) || relative(root, target).startsWith('..'))
      return [`${document}: the link ${link} leads to no file`]
    if (anchor === undefined) return []
    const page = statSync(target).isDirectory() ? join(target, 'README.md') : target
    if (page.endsWith('.md') && !(existsSync(page) && anchorsOf(page).has(anchor)))
      return [`${document}: the link ${link} leads to no heading of ${relative(root, page)}`]
    return []
  })
}
