import { randomBytes } from 'node:crypto'
import { aesGcmSeal, createSealedSessions } from '@sess/sealed'

const keys = [randomBytes(32)]
const sessions = createSealedSessions({ keys })
const line = (i: number) => ({ sku: `sku-${1000 + i}`, qty: 1 + (i % 5) })

console.log('| session | characters of cookie value |\n| --- | --- |')
for (const [title, data] of Object.entries({
  'signed in, with a label': {},
  'and a theme': { theme: 'dark' },
  'and a cart of 10 lines': { theme: 'dark', cart: Array.from({ length: 10 }, (_, i) => line(i)) },
  'and a cart of 75 lines': { theme: 'dark', cart: Array.from({ length: 75 }, (_, i) => line(i)) },
})) {
  const session = await sessions.load(undefined)
  session.data = data
  const { cookieValue } = await session.login('a-user-id-of-26-characters', { label: 'Firefox on Linux' })
  console.log(`| ${title} | ${cookieValue!.length.toLocaleString('en')} |`)
}

const seal = aesGcmSeal({ keys })
const bound = Buffer.alloc(60, 'b')
console.log('\n| bytes | seals a second | opens a second |\n| --- | --- | --- |')
for (const size of [500, 5000, 50_000]) {
  const message = randomBytes(size)
  const sealed = seal.seal(message, bound)
  const [seals, opens] = [() => seal.seal(message, bound), () => seal.open(sealed, bound)].map((operation) => {
    let best = 0
    for (let run = 0; run < 10; run++) {
      const start = performance.now()
      let times = 0
      while (performance.now() - start < 100) for (let i = 0; i < 20; i++, times++) operation()
      best = Math.max(best, (times / (performance.now() - start)) * 1000)
    }
    return Number(best.toPrecision(2)).toLocaleString('en')
  })
  console.log(`| ${size.toLocaleString('en')} | ${seals} | ${opens} |`)
}
