export { jsonSerializer as serializer } from '@sess/core'
