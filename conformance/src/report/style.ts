/** The styles of the report in addition to the common style sheet. */
export const style = `
:root { --more: light-dark(#b06a00, #f0b050) }
a { color: inherit }
small { font-size: .82rem }
.row { grid-template-columns: 8.5rem 1fr 5rem; border-top: 1px solid var(--line) }
.row > div small { display: block }
.tag.none { color: var(--soft); padding-left: 0 }
.failure { padding: 1rem; margin: 0 0 1rem }
.failure h3 { margin: .5rem 0 }
.failure .legend { margin: 1rem 0 0 }
pre { margin: .75rem 0; padding: .75rem; overflow-x: auto; background: var(--page); border-radius: .35rem;
  font: .82rem/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
details { margin: 0 0 .75rem }
summary { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center; padding: .75rem 1rem; cursor: pointer }
summary::before { content: '▸'; color: var(--soft) }
details[open] > summary::before { content: '▾' }
summary h3 { min-width: 11rem }
summary .soft { margin-left: auto }
.strip { display: flex; flex-wrap: wrap; gap: 3px; flex: 1 1 8rem }
.strip i { width: .7rem; height: .7rem; border-radius: .15rem; background: var(--line) }
.strip .clean { background: var(--good) }
.strip .found { background: var(--bad) }
.strip .unjudged { background: var(--doubt) }
.by-0 .bar, b.by-0 { background: var(--race) }
.by-1 .bar, b.by-1 { background: var(--look) }
.by-2 .bar, b.by-2 { background: var(--more) }
.by-3 .bar, b.by-3 { background: var(--rest) }
.failed .bar { background: var(--bad-back) }
.never .bar { background: none; border: 2px dashed var(--doubt); border-right: 0 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums }
th, td { padding: .45rem 1rem; text-align: right; white-space: nowrap; border-top: 1px solid var(--line) }
th { border-top: 0; color: var(--soft); font-weight: 600 }
th:first-child, td:first-child { text-align: left }
@media (max-width: 40rem) {
  .row { grid-template-columns: 1fr auto }
  .row > div { grid-column: 1 / -1; grid-row: 2 }
  th, td { padding: .45rem .5rem }
  th:first-child, td:first-child { white-space: normal; padding-left: 1rem }
  summary .soft { margin-left: 0; width: 100% }
}
`
