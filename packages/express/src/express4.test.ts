// The tests of the package once more, on Express 4: test/served.ts looks here.
process.env['SESS_EXPRESS'] = '4'
await import('./deferred-response.test.ts')
await import('./session.test.ts')
await import('./error-handlers.test.ts')
await import('./request-property.test.ts')
