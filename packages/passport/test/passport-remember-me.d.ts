declare module 'passport-remember-me' {
  import type { Strategy as PassportStrategy } from 'passport'

  type Done<Value> = (error: unknown, value?: Value) => void

  export class Strategy {
    constructor(
      verify: (token: string, done: Done<Express.User | false>) => void,
      issue: (user: Express.User, done: Done<string>) => void,
    )
    authenticate: PassportStrategy['authenticate']
  }
}
