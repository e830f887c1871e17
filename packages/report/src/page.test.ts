import { describe, expect, test } from 'vitest'
import { definitions, html, page, timeline } from './index.ts'

describe('html', () => {
  test('escapes inserted values, and nothing else', () => {
    expect(String(html`<p title="${'"'}">${'<b>&'}${html`<i></i>`}</p>`)).toBe(
      '<p title="&quot;">&lt;b&gt;&amp;<i></i></p>',
    )
  })

  test('joins lists, and omits false and undefined', () => {
    expect(String(html`${[1, [html`<br />`, 'a']]}${false}${undefined}`)).toBe('1<br />a')
  })
})

test('a timeline places its bars on an axis that begins with the first bar', () => {
  const text = String(
    timeline([
      { label: 'one', from: 100, to: 150 },
      { label: 'two', from: 150, to: 200, kind: 'failed' },
    ]),
  )
  expect(text).toContain('left:0.00%;width:50.00%')
  expect(text).toContain('left:50.00%;width:50.00%')
  expect(text).toContain('title="50 to 100 ms"')
  expect(text).toMatch(/>20 ms<.*>40 ms<.*>60 ms<.*>80 ms</s)
})

test('a page loads nothing else, and omits a term without a value', () => {
  const body = definitions([
    ['here', 'yes'],
    ['absent', undefined],
  ])
  const text = page({ title: 'A & B', body, style: '.own { color: red }' })
  expect(text).toContain('<title>A &amp; B</title>')
  expect(text).toContain('.own { color: red }')
  expect(text).not.toContain('absent')
  expect(text).not.toMatch(/src=|href=|url\(|@import/)
})
