/** The common style sheet. It loads no other file. */
export const style: string = `
:root {
  color-scheme: light dark;
  --page: light-dark(#f7f7f5, #16181b);
  --card: light-dark(#fff, #1e2125);
  --line: light-dark(#e2e2dd, #34383e);
  --text: light-dark(#1d1f21, #e6e7e8);
  --soft: light-dark(#63676c, #9ba1a8);
  --bad: light-dark(#b3261e, #ff8a80);
  --bad-back: light-dark(#fdecea, #3a2020);
  --good: light-dark(#1b6e3c, #7bd69c);
  --good-back: light-dark(#e6f4ea, #1b2f23);
  --doubt: light-dark(#8a5a00, #f0c060);
  --doubt-back: light-dark(#fff4dc, #362b14);
  --race: light-dark(#2f5fd0, #86a9ff);
  --rest: light-dark(#a7acb3, #6b7179);
  --look: light-dark(#6d5aa8, #b5a3ea);
}
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem }
h3 { font-size: 1rem; margin: 0 }
h3::first-letter { text-transform: uppercase }
p { margin: .25rem 0 }
code { font: .88em ui-monospace, monospace; overflow-wrap: anywhere }
.soft { color: var(--soft); font-size: .9rem }
.verdict { margin: 1.25rem 0; padding: .75rem 1rem; border-radius: .5rem; font-weight: 600 }
.found { background: var(--bad-back); color: var(--bad) }
.clean { background: var(--good-back); color: var(--good) }
.unjudged { background: var(--doubt-back); color: var(--doubt) }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem }
.row { display: grid; grid-template-columns: 8.5rem 1fr max-content; gap: .1rem 1rem; align-items: baseline;
  padding: .7rem 1rem; border-top: 1px solid var(--line) }
.row:first-child { border-top: 0 }
.tag { justify-self: start; font-size: .75rem; font-weight: 700; letter-spacing: .03em; padding: .1rem .5rem;
  border-radius: 1rem }
.count { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.remark { grid-column: 2 / -1 }
.timeline { padding: 1rem; margin: 0 0 1rem }
.events { position: relative; margin: .75rem 0 0 }
.event { display: grid; grid-template-columns: 17rem 1fr; gap: 0 1rem; align-items: center; min-height: 2.1rem;
  border-top: 1px solid var(--line); padding: .25rem 0 }
.event .what { min-width: 0; line-height: 1.3; font-size: .9rem }
.event .what small { display: block; color: var(--soft); font-size: .78rem; overflow-wrap: anywhere }
.track { position: relative; height: 1.5rem }
.bar { position: absolute; top: .3rem; height: .9rem; min-width: 4px; border-radius: .2rem; background: var(--rest) }
.failed .bar { background: none; border: 2px solid var(--bad) }
.axis { display: grid; grid-template-columns: 17rem 1fr; gap: 0 1rem; color: var(--soft); font-size: .75rem;
  border-top: 1px solid var(--line) }
.axis div { position: relative; height: 1.4rem; grid-column: 2 }
.axis span { position: absolute; padding-left: .25rem; border-left: 1px solid var(--line); white-space: nowrap }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0 0 .75rem }
.legend b { display: inline-block; width: .9rem; height: .7rem; border-radius: .2rem; margin-right: .4rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; padding: 1rem; margin: 0 }
dt { color: var(--soft) }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere }
@media (max-width: 40rem) {
  .row { grid-template-columns: 1fr auto }
  .row h3 { grid-column: 1 / -1; grid-row: 2 }
  .remark { grid-column: 1 / -1 }
  .event, .axis { grid-template-columns: 1fr }
  .axis div { grid-column: 1 }
  .event { padding: .5rem 0 .25rem }
  dl { grid-template-columns: 1fr; gap: 0 }
  dd { margin-bottom: .6rem }
}
`
