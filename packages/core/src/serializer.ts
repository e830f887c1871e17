/**
 * Turns session data into bytes and back. It must either bring back an equal value (numbers compared with `===`) or refuse
 * the value: data never changes on the way.
 *
 * `Leaf` is the union of the types that the serializer carries beyond those of JSON, such as `Date | bigint`. It is for the
 * compiler only: a type of data that the serializer does not carry is a compile error. `Serializer` without an argument is the
 * type of every serializer.
 */
export interface Serializer<Leaf = never> {
  /** 1 to 32 characters. Stored with each record, so that an application can change its serializer. */
  readonly name: string
  /** @throws {SessError} `unserializable`; the message names the path of the value, such as `data.cart[0].qty`. */
  serialize(value: object): Uint8Array
  /** @throws Any error, for bytes that the serializer did not write. */
  deserialize(bytes: Uint8Array): unknown
  /** Never present; it holds the type `Leaf`. */
  readonly '~carries'?: (leaf: Leaf) => void
}

/**
 * Encrypts what a store keeps: the whole payload, bound to its record.
 *
 * `bound` holds the key, revision and subject of the record. It is authenticated with the ciphertext (associated data), but not
 * part of it.
 */
export interface Seal {
  seal(bytes: Uint8Array, bound: Uint8Array): Uint8Array
  /**
   * @returns The plaintext; undefined if the bytes were not sealed with this `bound`, or were changed or moved since.
   * @throws {SessError} `configuration` if this process does not have the key.
   */
  open(bytes: Uint8Array, bound: Uint8Array): Uint8Array | undefined
  /** True: records that are not sealed are read too. Default: false, they are refused. */
  readonly acceptPlaintext?: boolean
}

type Depth = [never, 0, 1, 2, 3, 4, 5, 6]

/** The types in `T` that JSON does not carry; `never` when there are none. Looked for 7 levels deep. */
export type Leaves<T, D extends number = 7> = 0 extends 1 & T
  ? never
  : unknown extends T
    ? never
    : [D] extends [never]
      ? never
      : T extends string | number | boolean | null | undefined
        ? never
        : T extends readonly (infer Item)[]
          ? Leaves<Item, Depth[D]>
          : T extends object
            ? true extends { [K in keyof T]-?: IsMethod<T[K]> }[keyof T]
              ? T
              : T extends (...args: never) => unknown
                ? T
                : { [K in keyof T]-?: Leaves<T[K], Depth[D]> }[keyof T]
            : T

/** True for the type of a method, which only class instances have. `any` and `never` count as data. */
type IsMethod<T> = 0 extends 1 & T
  ? never
  : [NonNullable<T>] extends [never]
    ? never
    : NonNullable<T> extends (...args: never) => unknown
      ? true
      : never

/** The top-level keys of the data whose values JSON does not carry. */
type KeysNotInJson<Data> = { [K in keyof Data]-?: [Leaves<Data[K]>] extends [never] ? never : K }[keyof Data]

/**
 * The options that are required if JSON does not carry the data. The compiler's message shows the name of this type with its
 * arguments: the keys of the data, the types that were found there, and what to do.
 */
export interface DataNotInJson<
  _Keys,
  Types,
  _Cure =
    'store it as text or as a number, or pass a serializer that carries it, such as msgpackSerializer() of @sess/msgpack',
> {
  readonly serializer: Serializer<Types> | readonly [Serializer<Types>, ...Serializer[]]
}

/** The option `serializer`: required if the data holds a type that JSON does not carry. */
export type SerializerOption<Data> = [Leaves<Data>] extends [never]
  ? { readonly serializer?: Serializer | readonly [Serializer, ...Serializer[]] }
  : DataNotInJson<KeysNotInJson<Data>, Leaves<Data>>
