import type { CoreMutant } from './mutant.ts'

/** A core with one edit of one file. */
const core = (
  name: string,
  file: string,
  killedBy: readonly string[],
  ...edits: readonly (readonly [find: string, replace: string])[]
): CoreMutant => ({ name, file, killedBy, edits })

/** Cores with a rule taken out that is one of a single request: secrets, clocks, formats, costs. */
export const cores: readonly CoreMutant[] = [
  {
    ...core(
      'no-checksum-beyond-a-socket',
      'envelope.ts',
      ['faults/corrupt-answer'],
      ['bytes[0] !== MAGIC || bytes.readUInt32BE(1) !== checksum(bytes, subject)', 'bytes[0] !== MAGIC'],
    ),
    beyondSocket: true,
  },
  core(
    'secrets-of-64-bits',
    'token.ts',
    ['identity/random-secrets'],
    [
      "return randomBytes(SECRET_BYTES).toString('base64url')",
      "return Buffer.concat([randomBytes(8), Buffer.alloc(16)]).toString('base64url')",
    ],
  ),
  core(
    'secret-at-rest',
    'token.ts',
    ['identity/no-secret-at-rest', 'identity/no-secret-in-a-dump'],
    ["return hash('sha256', secret, 'base64url')", 'return secret'],
  ),
  core(
    'any-secret-opens',
    'token.ts',
    ['identity/wrong-secret', 'identity/no-secret-at-rest', 'hostile-bytes/moved'],
    [
      "return a.length === b.length && (a === '' || timingSafeEqual(Buffer.from(a), Buffer.from(b)))",
      'return a.length === b.length || timingSafeEqual(Buffer.from(a), Buffer.from(b))',
    ],
  ),
  core(
    'wrong-secret-in-silence',
    'sessions.ts',
    ['identity/wrong-secret'],
    [
      "events.emit('rejected', { reason: verdict, ...namesOf(held) })",
      "if (verdict === 'superseded') events.emit('rejected', { reason: verdict, ...namesOf(held) })",
    ],
  ),
  core(
    'any-length-is-a-cookie',
    'token.ts',
    ['identity/unknown-is-no-write'],
    ['/^[\\w-]{60}$/.test(value)', '/^[\\w-]{1,}/.test(value)'],
  ),
  core(
    'unknown-id-is-adopted',
    'sessions.ts',
    ['identity/unknown-is-no-write', 'rotation-login/marker'],
    [
      "      if (!token) events.emit('rejected', { reason: 'malformed' })",
      "      if (!token) events.emit('rejected', { reason: 'malformed' })\n      else if (!held) {\n        const session = await new LiveSession(context, await context.blank())\n        session.data = { adopted: true }\n        await session.commit()\n        return viewOf(session)\n      }",
    ],
  ),
  core(
    'secret-in-events',
    'record-access.ts',
    ['identity/handle-names-no-secret'],
    [
      'return namesOf(this.#held!)',
      "return { ...namesOf(this.#held!), handle: namesOf(this.#held!).handle + (this.issued ?? '') }",
    ],
  ),
  core(
    'a-touch-each-time',
    'record-access.ts',
    ['clock/touch-is-throttled', 'scale/calls'],
    ['return until - live.record.expiresAt < Math.max(after, 1) ? undefined : until', 'return until'],
  ),
  core(
    'never-a-touch',
    'record-access.ts',
    ['clock/touch-is-throttled', 'clock/idle-slides'],
    ['return until - live.record.expiresAt < Math.max(after, 1) ? undefined : until', 'return undefined'],
  ),
  core(
    'absolute-slides',
    'revisions.ts',
    ['clock/writes-slide'],
    [
      'return idleTimeout ? Math.min(now + idleTimeout, absoluteAt) : absoluteAt',
      'return idleTimeout ? now + idleTimeout : absoluteAt',
    ],
  ),
  core('a-slow-clock-shortens', 'revisions.ts', ['clock/writes-slide'], ['terms ? 0 : record.expiresAt)', '0)']),
  core(
    'lifetimes-of-a-login-ignored',
    'sign-in.ts',
    ['clock/own-lifetimes', 'clock/idle-slides'],
    [
      'return { ...lifetimesOf(options, settings), persistent, label',
      'return { ...lifetimesOf({}, settings), persistent, label',
    ],
  ),
  core(
    'a-sign-in-is-always-fresh',
    'session.ts',
    ['clock/fresh-sign-in'],
    ['if (this.subject === undefined || (this.authenticatedAt ?? 0) < since)', 'if (this.subject === undefined)'],
  ),
  core(
    'each-commit-writes',
    'operations.ts',
    ['round-trip/unchanged-writes-nothing', 'scale/calls', 'rotation-login/idle-commit-in-each-state'],
    [
      'if (changes) return await this.#write(await changes)',
      'const pending = (await changes) ?? (this.#record.live && (await this.#copy.pending()))\n      if (pending) return await this.#write(changes ? pending : { ...pending, write: { ...pending.write, compose: (stored) => ({ ...stored }) } })',
    ],
  ),
  core(
    'second-commit-creates-again',
    'operations.ts',
    ['round-trip/first-commit-and-next'],
    [
      "    await this.#follow(pending)\n    return 'created'",
      "    await this.#follow(pending)\n    record.startOver()\n    return 'created'",
    ],
  ),
  core(
    'deletions-are-forgotten',
    'data.ts',
    ['round-trip/several-commits', 'races/disjoint-keys'],
    [
      '  if (value === undefined) delete target[key]\n  else define(target, key, value)',
      '  if (value !== undefined) define(target, key, value)',
    ],
  ),
  core(
    'data-is-shared-with-what-was-loaded',
    'working-copy.ts',
    ['round-trip/data'],
    ['return (this.#data ??= copy(this.#base))', 'return (this.#data ??= { ...this.#base })'],
  ),
  core(
    'flash-is-read-for-ever',
    'flash.ts',
    ['round-trip/flash-once'],
    ['if (at >= 0) messages.splice(at, 1)', 'void at'],
  ),
  core(
    'revision-stands-still',
    'revisions.ts',
    ['round-trip/record-of-a-session', 'races/late-replace-counts-once'],
    ['const revision = record.revision + 1\n  const { secret', 'const revision = record.revision\n  const { secret'],
  ),
  core(
    'conflict-is-never-refused',
    'merge.ts',
    ['races/same-key-throws'],
    ["if (onConflict === 'throw')", 'if (false)'],
  ),
  core(
    'unsaved-session-is-rotated-into-being',
    'operations.ts',
    ['rotation-login/rotation-of-unsaved', 'rotation-login/regenerate-in-each-state'],
    [
      "if (this.#record.mode !== 'current') return this.#record.idle",
      "if (this.#record.mode === 'new') {\n        const pending = await this.#copy.pending()\n        await this.#record.create(pending.write, NO_CONTENT)\n        return 'created'\n      }\n      if (this.#record.mode !== 'current') return this.#record.idle",
    ],
  ),
  core(
    'rotation-drops-what-is-pending',
    'operations.ts',
    ['rotation-login/rotation'],
    [
      'const pending = await this.#copy.pending()\n      const rotation',
      'const { write, ...rest } = await this.#copy.pending()\n      const pending = { ...rest, write: { ...write, compose: (stored) => stored } }\n      const rotation',
    ],
  ),
  core(
    'rotation-moves-the-absolute-end',
    'revisions.ts',
    ['rotation-login/rotation-keeps-the-rest'],
    [
      '...(secret && { digest: digestOf(secret),',
      '...(secret && { createdAt: now, absoluteAt: now + (envelope.absoluteAt - envelope.createdAt), digest: digestOf(secret),',
    ],
  ),
  core(
    'login-drops-what-is-pending',
    'operations.ts',
    ['rotation-login/login'],
    [
      'const pending = carrying(this.#record, await this.#copy.pending())',
      'const { write, ...rest } = await this.#copy.pending()\n      const pending = carrying(this.#record, { ...rest, write: { ...write, compose: (stored) => stored } })',
    ],
  ),
  core(
    'login-again-keeps-the-clocks',
    'revisions.ts',
    ['rotation-login/login-again', 'clock/own-lifetimes'],
    ['    ...terms,\n', ''],
  ),
  core(
    'login-gives-up-where-the-marker-fails',
    'login.ts',
    ['rotation-login/crash-in-login'],
    [
      "events.emit('error', { code: 'store_unavailable', operation: 'login: mark', error, handle: handleOf(key) })",
      'throw error',
    ],
  ),
  core(
    'logout-forgets-to-delete',
    'record-access.ts',
    [
      'races/logout-wins',
      'rotation-login/logout-in-each-state',
      'rotation-login/destroy-in-each-state',
      'rotation-login/logout-after-login',
    ],
    ['(at) => settings.store.delete(held.key, at), 2)', '(at) => settings.store.read(held.key, at), 2)'],
  ),
  core(
    'revoke-of-anybodys',
    'sessions.ts',
    ['rotation-login/revoke-one'],
    ['subject !== undefined && (await recordAt(this.#context, key))?.subject !== subject', "subject === ''"],
  ),
  core(
    'any-pepper-will-do',
    'context.ts',
    ['rotation-login/pepper-in-turn', 'clock/not-before'],
    ['if (subject === undefined || peppers', 'if (subject !== undefined || peppers'],
  ),
  core(
    'not-before-is-forgotten',
    'context.ts',
    ['clock/not-before'],
    [' || (createdAt < notBefore && notBefore <= now)', ''],
  ),
  core(
    'not-before-counts-at-once',
    'context.ts',
    ['clock/not-before'],
    ['(createdAt < notBefore && notBefore <= now)', '(createdAt < notBefore)'],
  ),
  core(
    'an-except-may-be-anybodys',
    'revocations.ts',
    ['rotation-login/revoke-all-but-nothing'],
    ['if (key && owner === subject) return key', 'if (key && owner !== undefined) return key'],
  ),
  core(
    'migration-is-forgotten',
    'codec.ts',
    ['serialization/schema-migrated'],
    ['envelope.schemaVersion >= schemaVersion || !migrate)', 'envelope.schemaVersion >= 0 || !migrate)'],
  ),
  core(
    'a-migration-that-throws-ends-the-load',
    'codec.ts',
    ['serialization/outgrown-data'],
    ['const untouched = serializer.deserialize(decoded.data) as Plain\n', 'throw error\n'],
  ),
  core(
    'unmigrated-data-is-called-migrated',
    'codec.ts',
    ['serialization/outgrown-data'],
    ['content.unmigrated?.version ?? schemaVersion', 'schemaVersion'],
  ),
  core(
    'an-assignment-leaves-what-nobody-sees',
    'working-copy.ts',
    ['serialization/outgrown-data'],
    ['return data && this.#assigned ?', 'return data && !data && this.#assigned ?'],
  ),
  core(
    'newer-schema-is-read',
    'codec.ts',
    ['serialization/newer-schema'],
    ['if (envelope.schemaVersion > schemaVersion)', 'if (false)'],
  ),
  core(
    'unknown-serializer-is-damage',
    'codec.ts',
    ['serialization/unknown-serializer'],
    ['  if (!serializer)\n    throw', '  if (!serializer) return undefined\n  if (!serializer)\n    throw'],
  ),
  core(
    'newer-format-is-damage',
    'codec.ts',
    ['serialization/newer-format'],
    ['if (!framed.body) throw misfit', 'if (!framed.body) return undefined\n  if (!framed.body) throw misfit'],
  ),
  core(
    'unknown-key-is-damage',
    'codec.ts',
    ['serialization/unknown-key'],
    [
      '    body = seal.open(body, bound(key, record))',
      '    try {\n      body = seal.open(body, bound(key, record))\n    } catch {\n      return undefined\n    }',
    ],
  ),
  core(
    'serializer-of-today-reads-all',
    'codec.ts',
    ['serialization/serializer-switched'],
    ['const serializer = serializers.get(envelope.serializer)', 'const serializer = settings.serializer'],
  ),
  core(
    'it-writes-and-then-refuses',
    'json.ts',
    ['serialization/refusal-writes-nothing'],
    ["checkJson(value, 'data', written)", ''],
  ),
  core(
    'too-large-is-left-to-the-store',
    'codec.ts',
    ['serialization/too-large-writes-nothing'],
    [
      '  if (payload.length > store.traits.maxPayloadBytes)\n',
      '  if (payload.length > store.traits.maxPayloadBytes * 4)\n',
    ],
  ),
  core(
    'keys-are-assigned',
    'data.ts',
    ['serialization/inert-keys', 'hostile-bytes/inert-envelope'],
    [
      'Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })',
      'target[key] = value',
    ],
  ),
  core(
    'no-checksum',
    'envelope.ts',
    ['hostile-bytes/flipped'],
    ['bytes[0] !== MAGIC || bytes.readUInt32BE(1) !== checksum(bytes, subject)', 'bytes[0] !== MAGIC'],
  ),
  core('subject-is-unchecked', 'envelope.ts', ['hostile-bytes/moved'], ['crc32(subject)', "crc32('')"]),
  core(
    'short-payloads-throw',
    'envelope.ts',
    ['hostile-bytes/truncated'],
    ['if (bytes.length < HEAD.length || ', 'if ('],
  ),
  core(
    'no-magic',
    'envelope.ts',
    ['hostile-bytes/random'],
    [
      'if (bytes.length < HEAD.length || bytes[0] !== MAGIC || bytes.readUInt32BE(1) !== checksum(bytes, subject))\n    return undefined',
      'if (bytes.length < HEAD.length) return { sealed: false }\n  if (bytes[0] !== MAGIC || bytes.readUInt32BE(1) !== checksum(bytes, subject))\n    return undefined',
    ],
  ),
  core(
    'lengths-are-believed',
    'envelope.ts',
    ['hostile-bytes/length-bombs'],
    [
      'if (end > bytes.length) return undefined',
      "if (end > bytes.length) return { envelope: JSON.parse('{}') as Envelope, data: new Uint8Array(end) }",
    ],
  ),
  core('depth-is-not-looked-at', 'json.ts', ['hostile-bytes/nested-bombs'], ["checkJson(value, 'data', read)", '']),
  core(
    'types-are-not-looked-at',
    'envelope.ts',
    ['hostile-bytes/wrong-types'],
    ['if (!CHECKS[i]!(value)) return undefined', ''],
  ),
  core(
    'any-number-of-earlier-secrets',
    'envelope.ts',
    ['hostile-bytes/wrong-types'],
    ['    value.length <= EARLIER_SECRETS &&\n', ''],
  ),
  core(
    'a-digest-is-any-text',
    'envelope.ts',
    ['hostile-bytes/out-of-range'],
    ["return typeof value === 'string' && /^([\\w-]{43})?$/.test(value)", "return typeof value === 'string'"],
  ),
  core(
    'a-time-is-any-number',
    'record.ts',
    ['hostile-bytes/out-of-range', 'hostile-bytes/heads'],
    ["return typeof value === 'number' && value >= 0 && value <= LAST_TIME", "return typeof value === 'number'"],
  ),
  core(
    'writes-are-any-text',
    'write-log.ts',
    ['hostile-bytes/out-of-range'],
    [
      "typeof value === 'string' && value.length <= LOGGED_WRITES * WRITE_ID && value.length % WRITE_ID === 0",
      "typeof value === 'string'",
    ],
  ),
  core('hints-without-number', 'envelope.ts', ['hostile-bytes/out-of-range'], ['names.length <= MOST_HINTS && ', '']),
  core(
    'text-of-any-length',
    'envelope.ts',
    ['hostile-bytes/out-of-range'],
    ["return typeof value === 'string' && value.length <= longest", "return typeof value === 'string' || longest < 0"],
  ),
  core('flash-of-any-depth', 'envelope.ts', ['hostile-bytes/out-of-range'], [' && !isLarger(value, 2 + DEEPEST)', '']),
  core(
    'schema-version-is-any-number',
    'envelope.ts',
    ['hostile-bytes/out-of-range'],
    ['Number.isSafeInteger(value) && (value as number) >= 0', "typeof value === 'number'"],
  ),
  core(
    'fields-without-number',
    'envelope.ts',
    ['hostile-bytes/wrong-types'],
    ['!Array.isArray(values) || values.length !== CHECKS.length', '!Array.isArray(values)'],
  ),
  core('the-head-is-believed', 'codec.ts', ['hostile-bytes/heads'], ['    isSound(record) &&\n', '']),
  core(
    'revisions-past-the-safe-ones',
    'record.ts',
    ['hostile-bytes/heads'],
    ['    revision < Number.MAX_SAFE_INTEGER &&\n', ''],
    ['    Number.isSafeInteger(revision) &&\n', '    Number.isInteger(revision) &&\n'],
  ),
  core(
    'an-expiry-that-is-none-has-passed',
    'context.ts',
    ['hostile-bytes/heads'],
    [
      'record.expiresAt <= now ? null : unpack(this.settings, key, record)',
      'now < record.expiresAt ? unpack(this.settings, key, record) : null',
    ],
  ),
  core(
    'one-bad-record-ends-a-list',
    'sessions.ts',
    ['hostile-bytes/one-bad-in-a-list'],
    ['if (!held || held.envelope.marker ||', 'if (!held) return\n        if (held.envelope.marker ||'],
  ),
  core(
    'seal-is-forgotten',
    'codec.ts',
    ['hostile-bytes/sealed', 'hostile-bytes/sealed-tampered'],
    [
      'frame(seal ? seal.seal(bytes, bound(key, meta)) : bytes, seal !== undefined, meta.subject)',
      'frame(bytes, false, meta.subject)',
    ],
    ['} else if (seal && !seal.acceptPlaintext) return undefined', '}'],
  ),
  core(
    'seal-binds-nothing',
    'codec.ts',
    ['hostile-bytes/sealed-moved', 'hostile-bytes/sealed-replayed'],
    [
      'return Buffer.from(`${handleOf(key)}\\n${revision}\\n${subject}`)',
      'return Buffer.from(`${handleOf(key).length}${String(revision).length}${subject.length}`.slice(0, 0))',
    ],
  ),
  core(
    'seal-binds-no-revision',
    'codec.ts',
    ['hostile-bytes/sealed-replayed'],
    [
      'return Buffer.from(`${handleOf(key)}\\n${revision}\\n${subject}`)',
      'return Buffer.from(`${handleOf(key)}\\n${typeof revision}\\n${subject}`)',
    ],
  ),
  core(
    'tampering-throws',
    'codec.ts',
    ['hostile-bytes/sealed-tampered', 'hostile-bytes/sealed-truncated'],
    [
      '  const decoded = body && decodeEnvelope(body)',
      "  if (!body) throw misfit('was tampered with')\n  const decoded = decodeEnvelope(body)",
    ],
  ),
  core(
    'plaintext-beside-a-seal',
    'codec.ts',
    ['hostile-bytes/sealed-refuses-plaintext'],
    ['} else if (seal && !seal.acceptPlaintext) return undefined', '}'],
  ),
  core(
    'one-tag-for-all',
    'token.ts',
    ['scale/keys-spread'],
    [
      "return keyed.update(subject).digest().subarray(0, TAG_BYTES).toString('base64url')",
      "return keyed.update('').digest().subarray(0, TAG_BYTES).toString('base64url')",
    ],
  ),
  core(
    'pepper-is-ignored',
    'token.ts',
    ['life-cycle/needs-pepper', 'rotation-login/pepper-in-turn'],
    [
      "pepper === undefined ? createHash('sha256').update('sess/subject-tag\\0') : createHmac('sha256', pepper)",
      "pepper === '' ? createHmac('sha256', pepper) : createHash('sha256').update('sess/subject-tag\\0')",
    ],
  ),
  core(
    'login-puts-back-what-was-logged-out',
    'login.ts',
    ['rotation-login/login-against-logout'],
    [
      "if ((await calls.tell('replace', key, (at) => store.replace(key, old.record, next.record, at), 2)) !== 'conflict')",
      "const answer = await calls.tell('replace', key, (at) => store.replace(key, old.record, next.record, at), 2)\n      if (answer === 'missing') await store.create(key, old.record, now)\n      if (answer !== 'conflict')",
    ],
  ),
  core(
    'a-look-before-each-write',
    'compare-and-set.ts',
    ['scale/calls'],
    ['let look = doubted\n', 'let look = true\n'],
  ),
  core(
    'writes-under-a-key-of-its-own',
    'compare-and-set.ts',
    ['races/no-write-goes-under-a-new-key', 'round-trip/several-commits'],
    [
      'settings.store.replace(key, record, held.record, at)',
      'settings.store.replace({ ...key, id: key.id.slice(1) + key.id[0] }, record, held.record, at)',
    ],
  ),
  core(
    'any-earlier-secret-takes-from-a-marker',
    'secrets.ts',
    ['rotation-login/login-under-superseded'],
    ['keptUntil !== 0 && sameDigest(before, digest)', 'sameDigest(before, digest)'],
  ),
  core(
    'whoever-signs-in-takes-over-the-session',
    'login.ts',
    ['rotation-login/login-twice-as-two', 'rotation-login/login-as-another'],
    [
      'if (isTheirs && access.held!.key.tag === tag)',
      "if (access.mode === 'current' && access.held!.record.subject !== undefined)",
    ],
  ),
  core(
    'an-outage-is-a-new-session',
    'sessions.ts',
    ['faults/outage-at-load'],
    [
      'const held = token && (await context.read(token.key, false))',
      'const held = token && (await context.read(token.key, false).catch(() => undefined))',
    ],
  ),
  core(
    'a-logout-is-sent-once',
    'record-access.ts',
    ['faults/lost-delete'],
    ['(at) => settings.store.delete(held.key, at), 2)', '(at) => settings.store.delete(held.key, at), 1)'],
  ),
]
