/**
 * Runs the races from this browser against both kinds of session, and draws what the server holds afterwards.
 *
 * @typedef {'blind' | 'ours'} Lab
 * @typedef {'writes' | 'logout' | 'login'} Race
 * @typedef {'kept' | 'lost' | 'revived' | 'refused' | 'rival'} Fate
 * @typedef {{ from: number, to: number, fate: Fate, name: string }} Bar `from` and `to`: ms by the server's clock.
 * @typedef {{ bars: Bar[], bad: number, of: number }} Result `bad`: what was lost or came back.
 */

const WRITES = 20
const IN_FLIGHT = 4
/** What a library says of a write that it claims to have stored. */
const CLAIMED = new Set(['created', 'saved'])

/** @param {Lab} lab @param {string} path @param {Record<string, string>} [body] Absent: a GET. */
async function ask(lab, path, body) {
  const response = await fetch(`/lab/${lab}/${path}`, body && { method: 'POST', body: new URLSearchParams(body) })
  if (!response.ok) throw new Error(`The server answered ${response.status} to ${path}.`)
  return response.json()
}

/** Every request writes a key of its own; all of them should be there. @param {Lab} lab @returns {Promise<Result>} */
async function raceWrites(lab) {
  await ask(lab, 'start', { user: 'racer' })
  const keys = Array.from({ length: WRITES }, (_, i) => `write ${i + 1}`)
  const writes = await Promise.all(keys.map((key) => ask(lab, 'write', { key, value: 'here' })))
  const stored = await ask(lab, 'stored')
  const bars = writes.map((write, i) => ({
    ...write,
    name: keys[i],
    fate: stored[keys[i]] === 'here' ? 'kept' : CLAIMED.has(write.status) ? 'lost' : 'refused',
  }))
  return { bars, bad: bars.filter(({ fate }) => fate === 'lost').length, of: WRITES }
}

/**
 * Some writes have loaded the session and wait; the rival goes first; then the writes save. A copy of the cookie, taken
 * before, should open nothing afterwards.
 *
 * @param {Lab} lab @param {'logout' | 'login'} rival @returns {Promise<Result>}
 */
async function raceRival(lab, rival) {
  const race = crypto.randomUUID()
  await ask(lab, 'start', { user: rival === 'logout' ? 'racer' : '' })
  const [end, ...writes] = await Promise.all([
    ask(lab, rival, { race, after: String(IN_FLIGHT), user: 'racer' }),
    ...Array.from({ length: IN_FLIGHT }, (_, i) => ask(lab, 'write', { race, key: `write ${i + 1}`, value: 'here' })),
  ])
  if (!end.raced) throw new Error('The requests did not overlap. Run the races again.')
  const { opens } = await ask(lab, 'copy')
  const bars = writes.map((write, i) => ({
    ...write,
    name: `write ${i + 1}`,
    fate: !CLAIMED.has(write.status) ? 'refused' : opens ? 'revived' : 'lost',
  }))
  return { bars: [...bars, { ...end, name: rival, fate: 'rival' }], bad: opens ? 1 : 0, of: 1 }
}

/** @type {Record<Race, (lab: Lab) => Promise<Result>>} */
const RACES = {
  writes: raceWrites,
  logout: (lab) => raceRival(lab, 'logout'),
  login: (lab) => raceRival(lab, 'login'),
}

const SVG = 'http://www.w3.org/2000/svg'
/** In units of the drawing. */
const WIDTH = 1000
const ROW = 22
const BAR = 13
const MARGIN = 20

/** @param {Element} svg @param {readonly Bar[]} bars */
function draw(svg, bars) {
  const { start, end } = spanOf(bars)
  const x = (/** @type {number} */ at) => MARGIN + ((at - start) / (end - start || 1)) * (WIDTH - 2 * MARGIN)
  const height = bars.length * ROW + MARGIN
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${height}`)
  svg.replaceChildren()
  const rows = bars.toSorted((a, b) => a.to - b.to)
  rows.forEach(({ from, to, fate, name }, row) => {
    const y = MARGIN / 2 + row * ROW + (ROW - BAR) / 2
    if (fate === 'rival') shape(svg, 'line', { x1: x(to), x2: x(to), y1: 0, y2: height })
    const bar = shape(svg, 'rect', {
      x: x(from),
      y,
      width: Math.max(8, x(to) - x(from)),
      height: BAR,
      rx: 4,
      class: fate,
    })
    shape(bar, 'title', {}).textContent = `${name}: ${fate}`
  })
}

/** @param {readonly Bar[]} bars */
function spanOf(bars) {
  return { start: Math.min(...bars.map(({ from }) => from)), end: Math.max(...bars.map(({ to }) => to)) }
}

/** @param {Element} parent @param {string} name @param {Record<string, string | number>} attributes */
function shape(parent, name, attributes) {
  const element = document.createElementNS(SVG, name)
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, String(value))
  return parent.appendChild(element)
}

/** @param {Lab} lab @param {Race} race @param {Result} latest @param {{ bad: number, of: number }} total */
function show(lab, race, latest, { bad, of }) {
  const place = document.querySelector(`#${lab} [data-race='${race}']`)
  const svg = place?.querySelector('svg')
  const score = place?.querySelector('.score')
  const output = score?.querySelector('output')
  if (!svg || !score || !output) throw new Error(`The page has no place for ${lab} ${race}.`)
  draw(svg, latest.bars)
  svg.setAttribute('aria-label', `Timeline of the last round: ${latest.bad} of ${latest.of}`)
  score.setAttribute('data-result', bad === 0 ? 'good' : 'bad')
  output.textContent = `${bad} of ${of}`
}

const form = /** @type {HTMLFormElement} */ (document.querySelector('#lab-form'))
const button = /** @type {HTMLButtonElement} */ (form.querySelector('button'))
const progress = /** @type {HTMLElement} */ (document.querySelector('#progress'))

/** @param {number} rounds */
async function run(rounds) {
  /** @type {Record<string, { bad: number, of: number }>} */
  const totals = {}
  for (let round = 1; round <= rounds; round++) {
    for (const race of /** @type {Race[]} */ (Object.keys(RACES))) {
      for (const lab of /** @type {Lab[]} */ (['blind', 'ours'])) {
        progress.textContent = `Round ${round} of ${rounds}`
        const result = await RACES[race](lab)
        const total = (totals[`${lab} ${race}`] ??= { bad: 0, of: 0 })
        total.bad += result.bad
        total.of += result.of
        show(lab, race, result, total)
      }
    }
  }
}

async function runOnce() {
  // Not `disabled`, which would take the focus away from whoever pressed the button by keyboard.
  if (button.ariaDisabled === 'true') return
  button.ariaDisabled = 'true'
  const rounds = Number(new FormData(form).get('rounds'))
  try {
    await run(rounds)
    progress.textContent = `Done: ${rounds === 1 ? 'one round' : `${rounds} rounds`}.`
  } catch (error) {
    progress.textContent = error instanceof Error ? error.message : String(error)
  } finally {
    button.ariaDisabled = null
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  void runOnce()
})
