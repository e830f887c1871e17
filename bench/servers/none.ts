// No session at all: what Express itself takes.
import { serve, type Small } from './serve.ts'

const same: Small = { user: 'ann', n: 0 }
serve(
  () => {},
  () => same,
)
