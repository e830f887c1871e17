/** Markup that goes into a page as it is. Only {@link html} makes it, so whatever else is put in is escaped. */
export class Html {
  readonly #text: string

  constructor(parts: readonly string[], values: readonly Value[]) {
    this.#text = parts.reduce((text, part, i) => text + render(values[i - 1]) + part)
  }

  toString(): string {
    return this.#text
  }
}

/** What a template takes: markup as it is, text escaped, lists joined; `undefined` and `false` leave nothing. */
export type Value = Html | string | number | undefined | false | readonly Value[]

/** A template whose values are escaped, for use in text and in quoted attributes. */
export function html(parts: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(parts, values)
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function render(value: Value): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.toString()
  if (typeof value === 'object') return value.map(render).join('')
  return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character]!)
}
