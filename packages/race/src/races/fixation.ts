import { Browser } from '../browser.ts'
import { seed, type Ground, type Race } from './race.ts'

function why({ app, baseline }: Ground): string | undefined {
  if (!app.settings.login) return 'there is no --login'
  if (baseline.anonymous === 'none') return 'anonymous browsers have no session'
  return undefined
}

/** A login, without a race, in an anonymous session whose cookie an attacker knows. */
export const fixation: Race = {
  name: 'fixation',

  notRun(ground) {
    const reason = why(ground)
    return reason === undefined ? {} : { fixated: reason }
  },

  note: (_check, { baseline }) => (baseline.loginRotates ? undefined : 'a login keeps the cookie as it was'),

  async trial({ app, baseline }, trial) {
    const victim = new Browser(app, trial)
    if (baseline.anonymous === 'writable') await seed(app, victim)
    else await victim.send({ label: 'open', template: app.settings.open })
    const planter = victim.replay('old cookie')
    await victim.must({ label: 'login', template: app.settings.login! })
    const { signedIn } = await planter.look([])
    return { checks: { fixated: signedIn ? ['signed in'] : [] } }
  },
}
