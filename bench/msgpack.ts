import { jsonSerializer, type Serializer } from '@sess/core'
import { msgpackSerializer } from '@sess/msgpack'

const line = (i: number) => ({
  sku: `sku-${1000 + i}`,
  title: `Thing number ${i}`,
  qty: i % 5,
  price: 19.95 + i,
  gift: i % 2 === 0,
})
const sessions: Record<string, object> = {
  'a theme and a cart of 3': { theme: 'dark', locale: 'en-GB', cart: [line(1), line(2), line(3)] },
  'a cart of 100': { cart: Array.from({ length: 100 }, (_, i) => line(i)) },
  '1,000 numbers': { seen: Array.from({ length: 1000 }, (_, i) => i * 37) },
}

/** Operations a second: the best of several runs, so that what else the machine does counts least. */
function perSecond(operation: () => unknown): number {
  let best = 0
  for (let run = 0; run < 10; run++) {
    const start = performance.now()
    let times = 0
    while (performance.now() - start < 100) for (let i = 0; i < 20; i++, times++) operation()
    best = Math.max(best, (times / (performance.now() - start)) * 1000)
  }
  return best
}

const rows: string[] = [
  '| session | serializer | bytes | writes a second | reads a second |',
  '| --- | --- | --- | --- | --- |',
]
for (const [title, data] of Object.entries(sessions)) {
  for (const serializer of [jsonSerializer, msgpackSerializer()] as Serializer[]) {
    const bytes = serializer.serialize(data)
    const [writes, reads] = [() => serializer.serialize(data), () => serializer.deserialize(bytes)].map((operation) =>
      Number(perSecond(operation).toPrecision(2)).toLocaleString('en'),
    )
    rows.push(`| ${title} | ${serializer.name} | ${bytes.length.toLocaleString('en')} | ${writes} | ${reads} |`)
  }
}
console.log(rows.join('\n'))
