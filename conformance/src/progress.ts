import type { CaseReport, Status } from './report/report.ts'

/** The members of an output stream that progress needs. */
interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const MARKS: Readonly<Record<Status, string>> = {
  pass: '·',
  fail: '✗',
  deviates: '≠',
  'not-applicable': '–',
  inconclusive: '?',
  'harness-error': '!',
}

/** Prints the progress of a run: a line for each clause and, on a terminal, a line for the running case. */
export class Progress {
  readonly #screen: Screen
  #clause = ''
  #marks = ''
  #began = performance.now()

  constructor(screen: Screen) {
    this.#screen = screen
  }

  start(id: string, index: number, of: number): void {
    const [clause] = id.split('/') as [string]
    if (clause !== this.#clause) {
      this.done()
      this.#clause = clause
      this.#began = performance.now()
    }
    this.say(`${this.#line()}  ${index + 1} of ${of}: ${id}`)
  }

  end({ status }: CaseReport): void {
    this.#marks += MARKS[status]
  }

  /** On a terminal, prints a line that the next line replaces. */
  say(text: string): void {
    const { isTTY, columns } = this.#screen
    if (isTTY) this.#screen.write(`\r\u001B[K${text.slice(0, (columns || 80) - 1)}`)
  }

  /** Ends the line of a clause. */
  done(): void {
    if (this.#clause === '') return
    this.say('')
    const seconds = ((performance.now() - this.#began) / 1000).toFixed(1)
    this.#screen.write(`${this.#line()}  ${seconds} s\n`)
    this.#clause = ''
    this.#marks = ''
  }

  #line(): string {
    return `${this.#clause.padEnd(15)} ${this.#marks}`
  }
}
