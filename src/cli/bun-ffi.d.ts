/** As much of Bun's module as `libc.ts` uses; the package with all its types would bring Bun's globals along. */
declare module "bun:ffi" {
  type Type = "i32" | "i64" | "u32" | "u64" | "ptr";
  type Declaration = { readonly args: readonly Type[]; readonly returns: Type };
  type Native = (...args: readonly (number | bigint | Uint8Array)[]) => number | bigint;
  export function dlopen<Name extends string>(
    library: string,
    functions: Readonly<Record<Name, Declaration>>,
  ): { readonly symbols: Readonly<Record<Name, Native>> };
}
