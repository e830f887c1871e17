import { Html, html } from './html.ts'
import { style } from './style.ts'

/** The argument of {@link page}. */
export interface Page {
  /** The title of the browser's tab. */
  readonly title: string
  /** A style sheet that follows the common one. */
  readonly style?: string
  readonly body: Html
}

/** Makes a page in one file. It loads no other file, and follows the reader's light or dark setting. */
export function page({ title, style: own = '', body }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width" />
      <title>${title}</title>
      <style>
        ${new Html(style + own)}
      </style>
      <main>${body}</main>
    </html> `.toString()
}
