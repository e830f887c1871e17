/** Markup that needs no escaping. Only {@link html} makes it, so every other value is escaped. */
export class Html {
  readonly #text: string

  constructor(parts: readonly string[], values: readonly Value[]) {
    this.#text = parts.reduce((text, part, i) => text + render(values[i - 1]) + part)
  }

  toString(): string {
    return this.#text
  }
}

/** A value in a template: markup is inserted, text is escaped, lists are joined, `undefined` and `false` insert nothing. */
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
