import { html, type Html } from './html.ts'

/** A card of terms and their values. A term without a value is left out. */
export function definitions(pairs: readonly (readonly [string, Html | string | undefined])[]): Html {
  return html`<dl class="card">
    ${pairs.flatMap(([term, value]) =>
      value === undefined
        ? []
        : [
            html`<dt>${term}</dt>
              <dd>${value}</dd>`,
          ],
    )}
  </dl>`
}
