/** The oldest pg that is taken; its types are those of the newest. */
declare module 'pg812' {
  import pg from 'pg'

  export default pg
}
