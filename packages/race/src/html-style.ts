/** What the report has beside the common style sheet. */
export const style = `
.not-run { color: var(--soft) }
.not-run .tag { background: none; padding-left: 0 }
.meter { grid-column: 2 / -1; position: relative; height: .3rem; margin: .35rem 0 .2rem; border-radius: .15rem;
  background: var(--line) }
.meter i { position: absolute; inset-block: 0; border-radius: .15rem; background: var(--soft); min-width: 1px }
.meter.bad i { background: var(--bad) }
.meter .range { opacity: .35 }
.racing .bar { background: var(--race) }
.looking .bar { background: var(--look) }
.saw { display: inline-block; font-size: .75rem; padding: 0 .45rem; border-radius: 1rem; margin: .1rem .25rem 0 0;
  background: var(--line) }
.saw.bad { background: var(--bad-back); color: var(--bad); font-weight: 700 }
@media (max-width: 40rem) {
  .meter { grid-column: 1 / -1 }
}
`
