/** Mutants: cores with one rule removed. The explorer must find a violation in each of them; otherwise it proves nothing. */

/** The text edits that remove a rule. */
export interface Edit {
  readonly name: string
  /** The name of a file in `src`. */
  readonly file: string
  /** The replacements. Each `find` occurs exactly once in the file. */
  readonly edits: readonly (readonly [find: string, replace: string])[]
}

/** A core with one rule removed. */
export interface Mutant extends Edit {
  /** The number of the invariant that must break. */
  readonly breaks: number
  /** A scenario in which it breaks. */
  readonly in: string
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'writes-under-superseded',
    file: 'compare-and-set.ts',
    edits: [
      [
        "if (verdict === 'superseded' || verdict === 'mismatched')\n        return await rotatedMeanwhile(access, write, look, until)",
        '',
      ],
    ],
    breaks: 3,
    in: 'signed-in: A commit, B regenerate',
  },
  {
    name: 'no-judging-after-conflict',
    file: 'compare-and-set.ts',
    edits: [
      [
        'const verdict = judge(envelope, access.digest!, now)\n      if',
        "const verdict = tries ? 'current' : judge(envelope, access.digest!, now)\n      if",
      ],
    ],
    breaks: 3,
    in: 'signed-in: A update, B regenerate',
  },
  {
    name: 'superseded-is-valid',
    file: 'secrets.ts',
    edits: [["return marker || now < knownUntil ? 'superseded' : 'mismatched'", "return 'kept'"]],
    breaks: 3,
    in: 'rotated: A commit/old, B visit',
  },
  {
    name: 'kept-forever',
    file: 'secrets.ts',
    edits: [['if (!marker && isOpen(keptUntil, now))', 'if (!marker && keptUntil)']],
    breaks: 3,
    in: 'kept: A commit/old, B visit, clock',
  },
  {
    name: 'deadline-only-at-load',
    file: 'compare-and-set.ts',
    edits: [
      [
        'const verdict = judge(envelope, access.digest!, now)\n      if',
        "const verdict = access.mode === 'kept' ? 'kept' : judge(envelope, access.digest!, now)\n      if",
      ],
    ],
    breaks: 3,
    in: 'kept: A commit/old, B commit, clock',
  },
  {
    name: 'kept-rotates',
    file: 'compare-and-set.ts',
    edits: [["if (rotation && verdict === 'kept') return verdict", '']],
    breaks: 3,
    in: 'signed-in: A regenerate, B regenerate-keep',
  },
  {
    name: 'rotation-leaves-window',
    file: 'secrets.ts',
    edits: [
      ['([secret, , until]): Earlier[]', '([secret, kept, until]): Earlier[]'],
      ['[[secret, 0, Math', '[[secret, kept, Math'],
    ],
    breaks: 3,
    in: 'kept: A regenerate, B visit',
  },
  {
    name: 'rotation-forgets',
    file: 'secrets.ts',
    edits: [['knownUntil] as const, ...before]', 'knownUntil] as const, ...before.slice(0, 0)]']],
    breaks: 3,
    in: 'rotated: A regenerate, B visit',
  },
  {
    name: 'no-window-is-a-time',
    file: 'secrets.ts',
    edits: [['keepFor && now + keepFor', 'now + keepFor']],
    breaks: 3,
    in: 'signed-in: A regenerate, B visit behind',
  },
  {
    name: 'window-is-closed-by-a-time',
    file: 'secrets.ts',
    edits: [
      ['([secret, , until]): Earlier[]', '([secret, kept, until]): Earlier[]'],
      ['[[secret, 0, Math', '[[secret, Math.min(kept, now), Math'],
    ],
    breaks: 3,
    in: 'kept: A regenerate, B commit/old behind',
  },
  {
    name: 'passed-window-is-left-as-it-is',
    file: 'revisions.ts',
    edits: [['earlier: withoutPassedWindows(envelope.earlier, now)', 'earlier: envelope.earlier']],
    breaks: 3,
    in: 'kept: A commit, B commit/old behind, clock',
  },
  {
    name: 'slow-clock-opens-windows',
    file: 'secrets.ts',
    edits: [['keptUntil - WINDOW_AND_SKEW_MS <= now && now < keptUntil', 'now < keptUntil']],
    breaks: 3,
    in: 'kept: A visit, B visit',
  },
  {
    name: 'marker-keeps-windows-as-they-are',
    file: 'secrets.ts',
    edits: [['isOpen(keptUntil, now) ? keptUntil : 0', 'keptUntil']],
    breaks: 4,
    in: 'kept-anonymous: A login, B login/old, clock',
  },
  {
    name: 'marker-says-that-none-was-valid',
    file: 'secrets.ts',
    edits: [['isOpen(keptUntil, now) ? keptUntil : 0', '0']],
    breaks: 4,
    in: 'kept-anonymous: A login, B login/old',
  },
  {
    name: 'kept-removes-cookie',
    file: 'record-access.ts',
    edits: [["return mode === 'current'\n", 'return true\n']],
    breaks: 3,
    in: 'kept: A logout/old, B visit',
  },
  {
    name: 'no-write-id-look-up',
    file: 'compare-and-set.ts',
    edits: [['if (remembers(envelope, write.id)) {', 'if (false) {']],
    breaks: 9,
    in: 'signed-in: A update, B commit',
  },
  {
    name: 'new-write-id-each-try',
    file: 'revisions.ts',
    edits: [
      [
        'writes: writesWith(envelope, id),\n  }\n  const { idle',
        'writes: writesWith(envelope, newSecret().slice(20)),\n  }\n  const { idle',
      ],
      ['import { digestOf }', 'import { digestOf, newSecret }'],
    ],
    breaks: 9,
    in: 'signed-in: A update, B update',
  },
  {
    name: 'no-gap-rule',
    file: 'compare-and-set.ts',
    edits: [
      [
        'if (Math.min(...write.doubtful) >= rememberedFrom(envelope, record.revision)) return undefined',
        'return undefined',
      ],
    ],
    breaks: 9,
    in: 'signed-in: A update, B burst, 3 switches',
  },
  {
    name: 'lost-is-saved',
    file: 'compare-and-set.ts',
    edits: [
      [
        'if (!resend || !mayRetry(error)) throw error',
        "if (isUnknown(error)) return access.landed(write, written(held)), 'replaced'",
      ],
    ],
    breaks: 2,
    in: 'signed-in: A commit, B commit',
  },
  {
    name: 'create-sent-again',
    file: 'record-access.ts',
    edits: [
      ['let failure: unknown\n', 'let failure: unknown\n    const key = newKey(owner?.tag)\n'],
      ['      const key = newKey(owner?.tag)\n', ''],
    ],
    breaks: 9,
    in: 'anonymous: A login, B visit',
  },
  {
    name: 'missing-is-created',
    file: 'compare-and-set.ts',
    edits: [
      [
        "if (answer === 'missing') return access.become('gone')\n        if",
        "if (answer === 'missing') return await settings.store.create(key, held.record, now), access.landed(write, written(held)), 'replaced'\n        if",
      ],
    ],
    breaks: 1,
    in: 'signed-in: A commit, B logout',
  },
  {
    name: 'logout-compares',
    file: 'record-access.ts',
    edits: [
      [
        '(at) => settings.store.delete(held.key, at), 2)',
        '(at) => settings.store.read(held.key, at).then((there) => there?.revision === held.record.revision && settings.store.delete(held.key, at)), 2)',
      ],
    ],
    breaks: 1,
    in: 'signed-in: A logout, B commit',
  },
  {
    name: 'logout-ends-marker',
    file: 'record-access.ts',
    edits: [["(mode === 'superseded' && !held.envelope.marker)", "mode === 'superseded'"]],
    breaks: 4,
    in: 'anonymous: A login, B logout',
  },
  {
    name: 'conflict-keeps-stale-data',
    file: 'compare-and-set.ts',
    edits: [
      [
        '  access.refresh(held)\n  const { envelope, record }',
        '  access.refresh({ ...held, content: access.held!.content })\n  const { envelope, record }',
      ],
    ],
    breaks: 2,
    in: 'signed-in: A commit, B commit',
  },
  {
    name: 'overwrites-in-silence',
    file: 'merge.ts',
    edits: [["events.emit('conflict'", 'void (0 && 0']],
    breaks: 2,
    in: 'signed-in: A commit, B commit',
  },
  {
    name: 'touch-for-replace',
    file: 'compare-and-set.ts',
    edits: [
      [
        'settings.store.replace(key, record, held.record, at)',
        "settings.store.touch(key, record, held.record.expiresAt, at).then((said) => (said === 'touched' ? 'replaced' : said))",
      ],
    ],
    breaks: 2,
    in: 'signed-in: A commit, B commit',
  },
  {
    name: 'no-marker',
    file: 'login.ts',
    edits: [["if (mode === 'current') await mark(", 'if (false) await mark(']],
    breaks: 4,
    in: 'anonymous: A login, B commit',
  },
  {
    name: 'marker-before-create',
    file: 'login.ts',
    edits: [
      [
        '  await access.create(write, carried',
        "  if (mode === 'current') await mark(access, held!, digest!, undefined)\n  await access.create(write, carried",
      ],
      ["  if (mode === 'current') await mark(access, held!, digest!, carried && write)\n", ''],
    ],
    breaks: 4,
    in: 'anonymous: A login, B commit',
  },
  {
    name: 'marker-over-rotation',
    file: 'login.ts',
    edits: [['if (!mine) return\n', '']],
    breaks: 4,
    in: 'anonymous: A login, B regenerate',
  },
  {
    name: 'marker-without-merge',
    file: 'login.ts',
    edits: [['const theirs = write && ', 'const theirs = write && undefined && ']],
    breaks: 4,
    in: 'anonymous: A login, B commit',
  },
  {
    name: 'merge-without-reading',
    file: 'login.ts',
    edits: [['newWrite(() => write.compose(fresh.content))', 'newWrite(() => write.compose(old.content))']],
    breaks: 4,
    in: 'anonymous: A login, B commit',
  },
  {
    name: 'marker-with-own-changes',
    file: 'login.ts',
    edits: [
      [
        'markerRevision(settings, old, id, now)',
        'markerRevision(settings, { ...old, content: access.held!.content }, id, now)',
      ],
    ],
    breaks: 4,
    in: 'anonymous: A login, B login-other',
  },
  {
    name: 'marker-with-data-of-subject',
    file: 'revisions.ts',
    edits: [['record.subject === undefined ? content : NO_CONTENT', 'content']],
    breaks: 4,
    in: 'signed-in: A login-other, B visit',
  },
  {
    name: 'marker-lives-on',
    file: 'revisions.ts',
    edits: [['expiresAt: now + SUPERSEDED_KNOWN_MS }', 'expiresAt: record.expiresAt }']],
    breaks: 4,
    in: 'anonymous: A login, B visit',
  },
  {
    name: 'marker-hands-out-to-nobody',
    file: 'login.ts',
    edits: [['envelope.marker && wasValidAtMarking(envelope, digest!)', 'false']],
    breaks: 4,
    in: 'anonymous: A login, B login',
  },
  {
    name: 'subject-takes-data-along',
    file: 'login.ts',
    edits: [['if (owner !== undefined && owner !== subject) return undefined\n', '']],
    breaks: 4,
    in: 'signed-in: A login-other, B visit',
  },
  {
    name: 'forged-is-superseded',
    file: 'secrets.ts',
    edits: [["  return 'mismatched'\n", "  return 'kept'\n"]],
    breaks: 3,
    in: 'anonymous: A commit/forged, B visit',
  },
  {
    name: 'revokes-its-own',
    file: 'revocations.ts',
    edits: [['if (key && owner === subject) return key', 'if (key && owner === subject) return undefined']],
    breaks: 1,
    in: 'signed-in: A revoke-others, B visit',
  },
  {
    name: 'spares-nobody-in-silence',
    file: 'revocations.ts',
    edits: [['if (key && owner === subject) return key', 'if (!key || owner === subject) return key']],
    breaks: 1,
    in: 'rotated: A revoke-others/old, B visit',
  },
  {
    name: 'signs-in-again-under-the-old-pepper',
    file: 'login.ts',
    edits: [['if (isTheirs && access.held!.key.tag === tag)', 'if (isTheirs)']],
    breaks: 5,
    in: 'old-pepper: A login, B visit',
  },
  {
    name: 'takes-the-data-of-an-empty-marker',
    file: 'login.ts',
    edits: [['if (marker && owned) return', '']],
    breaks: 4,
    in: 'old-pepper: A login, B login',
  },
  {
    name: 'lists-markers',
    file: 'sessions.ts',
    edits: [['if (!held || held.envelope.marker ||', 'if (!held ||']],
    breaks: 4,
    in: 'signed-in: A login-other, B visit',
  },
]
