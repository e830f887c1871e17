import { Browser, newWrite } from '../browser.ts'
import { overlap } from '../pace.ts'
import { Unjudged } from '../trial.ts'
import { establish, type Race } from './race.ts'

/** All writes at the same time, each to a key of its own. */
export const writes: Race = {
  name: 'writes',

  notRun: () => ({}),

  async trial(ground, trial) {
    const { app } = ground
    const browser = new Browser(app, trial)
    const seeded = new Set((await establish(app, browser)).map(({ proof }) => proof))
    const sent = app.settings.writes.map(newWrite)
    const calls = sent.map((write) => ({
      label: `write ${write.template.key}`,
      template: write.template.request,
      write,
      racing: true,
    }))
    const ready: (() => ReturnType<typeof browser.send>)[] = []
    for (const call of calls) ready.push(await browser.ready(call))
    const answers = await Promise.all(ready.map((send) => send()))

    const done = sent.filter(({ template }, index) => app.acknowledged(template.request, answers[index]!, trial.user))
    if (done.length === 0) throw new Unjudged('no write of the parallel ones was acknowledged')
    const { shown } = await browser.look(sent)
    const lost = done.filter(({ proof }) => !shown.has(proof!) && !seeded.has(proof))
    return {
      checks: { 'write-lost': lost.map(({ template }) => `write ${template.key}`) },
      inFlight: answers.some((one, index) => answers.slice(index + 1).some((other) => overlap(one, other))),
    }
  },
}
