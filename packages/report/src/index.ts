export { definitions } from './definitions.ts'
export { html, Html } from './html.ts'
export { page, type Page } from './page.ts'
export { inMs, timeline, type Bar } from './timeline.ts'
