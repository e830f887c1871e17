export { startRedis } from './redis.ts'
export { says } from './says.ts'
export { startServer, type Program, type TestServer } from './server.ts'
export { freePort } from './free-port.ts'
