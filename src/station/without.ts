/** Sets and maps with one member less; the same one where it was not there. */

export function without<Item>(set: ReadonlySet<Item>, item: Item): ReadonlySet<Item> {
  return set.has(item) ? new Set([...set].filter((other) => other !== item)) : set;
}

export function withoutKey<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): ReadonlyMap<Key, Value> {
  return map.has(key) ? new Map([...map].filter(([other]) => other !== key)) : map;
}
