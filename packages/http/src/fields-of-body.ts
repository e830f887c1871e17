/**
 * Header fields that belong to what was to be sent, and not to the error that is sent instead, because a commit failed. What
 * middleware set for any answer is not among them.
 */
export const fieldsOfBody: readonly string[] = [
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'etag',
  'expires',
  'last-modified',
  'location',
  'refresh',
  'trailer',
  'transfer-encoding',
]
