/**
 * Turns session data into bytes and back. It brings back a value that is equal (numbers as `===` sees them), or refuses
 * it: data never changes on the way.
 *
 * `Leaf` is what it carries beyond JSON's own types, such as `Date | bigint`. It only steers the compiler: a `Data`
 * with a leaf that the serializer does not carry is a compile error. `Serializer` alone stands for any of them.
 */
export interface Serializer<Leaf = never> {
  /** Stored with each record, so that serializers can be switched: 1 to 32 characters. */
  readonly name: string
  /** @throws {SessError} `unserializable`, naming the path of the value, such as `data.cart[0].qty`. */
  serialize(value: object): Uint8Array
  /** @throws Anything, on bytes that it did not write. */
  deserialize(bytes: Uint8Array): unknown
  /** Never there; see `Leaf`. */
  readonly '~carries'?: (leaf: Leaf) => void
}

/**
 * Encrypts what a store keeps: the whole envelope, bound to its record.
 *
 * `bound` is authenticated with the ciphertext and not stored in it: key, revision and subject.
 */
export interface Seal {
  seal(bytes: Uint8Array, bound: Uint8Array): Uint8Array
  /**
   * @returns Undefined for bytes that were not sealed so, or were changed or moved since.
   * @throws {SessError} `configuration` for a key that this process was not given.
   */
  open(bytes: Uint8Array, bound: Uint8Array): Uint8Array | undefined
  /** True: records from before sealing are still read. Default: they are refused. */
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

/** True for what only class instances have. `any` and `never` may be anything, and are data. */
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
 * What is asked of the options where JSON does not carry the data. The compiler's message shows the name of this type with its
 * arguments: which keys of the data, the types that it found there, and what to do.
 */
export interface DataNotInJson<
  _Keys,
  Types,
  _Cure =
    'store it as text or as a number, or pass a serializer that carries it, such as msgpackSerializer() of @sess/msgpack',
> {
  readonly serializer: Serializer<Types> | readonly [Serializer<Types>, ...Serializer[]]
}

/** The option `serializer`: needed as soon as the data holds something that JSON does not carry. */
export type SerializerOption<Data> = [Leaves<Data>] extends [never]
  ? { readonly serializer?: Serializer | readonly [Serializer, ...Serializer[]] }
  : DataNotInJson<KeysNotInJson<Data>, Leaves<Data>>
