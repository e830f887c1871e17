import { html, type Html } from './html.ts'

const REPOSITORY = 'https://github.com/sess-js/sess'

/** A link to a file of the repository, or to its root. @param file - From the root; a heading may follow after `#`. */
export function sourceLink(file: string, text: string): Html {
  return html`<a href="${REPOSITORY}${file && `/blob/main/${file}`}">${text}</a>`
}
