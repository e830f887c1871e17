export { msgpackSerializer, type MsgpackItem, type MsgpackLeaf, type MsgpackOptions } from './msgpack-serializer.ts'
