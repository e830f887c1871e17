/**
 * The header fields that describe the body, in lower case. A binding removes them when a commit failed and an error is sent instead of
 * the body. The list leaves out fields that middleware sets for every response.
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
