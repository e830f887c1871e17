/** The oldest version of pg that the store supports, with the types of the newest version. */
declare module 'pg812' {
  import pg from 'pg'

  export default pg
}
