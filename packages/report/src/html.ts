/** HTML markup. The tag `html` escapes each value, unless the value is `Html`. */
export class Html {
  readonly #markup: string

  constructor(markup: string) {
    this.#markup = markup
  }

  toString(): string {
    return this.#markup
  }
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

type Part = Html | string | number | false | undefined | readonly Part[]

function markupOf(part: Part): string {
  if (part instanceof Html) return part.toString()
  if (typeof part === 'object') return part.map(markupOf).join('')
  return part === false || part === undefined ? '' : String(part).replaceAll(/[&<>"']/g, (each) => escapes[each]!)
}

/** A tag for template literals that makes markup. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(String.raw({ raw: strings.raw }, ...parts.map(markupOf)))
}
