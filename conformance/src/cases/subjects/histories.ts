import { clause, revokes } from '../../case-parts/case.ts'
import { clientsOf, playRounds } from '../../case-parts/history-rounds.ts'
import type { Case } from '../../contract.ts'

/** Cases on recorded histories of several clients while a subject is revoked. */
export const historiesOfRevocations: readonly Case[] = [
  clause('subjects', 'store', 'history')(
    'history-of-revocation',
    'Whatever is written while a subject is revoked, one order of the calls explains every answer: what went stays gone.',
    async (context) =>
      playRounds(context, await clientsOf(context, 3), (_, i) => ({
        subject: 'ann',
        kinds: i === 0 ? ['read', 'revoke', 'create'] : ['read', 'create', 'replace', 'touch'],
      })),
    revokes,
  ),
]
