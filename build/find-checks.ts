/**
 * Finds the checks of a source, each of which `npm run test:mutants` takes out in turn.
 *
 * A check is an `if` that leads away: what it guards ends in return, throw, continue or break. Where its
 * condition is `a || b`, `a` and `b` are two checks: tests that see only one of them would let the other go.
 */
import { type Expression, parseSync, type Statement, Visitor } from "oxc-parser";

export type Check = {
  /** From 1. */
  readonly line: number;
  /** The condition, as offsets into the source; put `false` there to take the check out. */
  readonly start: number;
  readonly end: number;
  /** The reason why nothing can tell whether the check is there, where its line ends in one. */
  readonly equivalent: string | undefined;
};

const EQUIVALENT = /\/\/ mutant: equivalent, (\S.*)$/;

/** @throws {SyntaxError} for what is no TypeScript, and for a remark on a line that has no check */
export function findChecks(path: string, text: string): readonly Check[] {
  const { program, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new SyntaxError(`Cannot parse "${path}": ${errors[0].message}`);
  const lines = text.split("\n");
  const remarks = new Map(lines.map((line, index) => [index + 1, EQUIVALENT.exec(line)?.[1]]));
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;

  const checks: Check[] = [];
  new Visitor({
    IfStatement({ test, consequent }) {
      if (!leadsAway(consequent)) return;
      for (const { start, end } of alternatives(test)) {
        checks.push({ line: lineAt(start), start, end, equivalent: remarks.get(lineAt(end)) });
      }
    },
  }).visit(program);

  const remarked = new Set(checks.filter(({ equivalent }) => equivalent).map(({ end }) => lineAt(end)));
  for (const [line, reason] of remarks) {
    if (reason !== undefined && !remarked.has(line)) {
      throw new SyntaxError(`Cannot use the remark at ${path}:${line}: no check ends on this line`);
    }
  }
  return checks;
}

/** The operands of `a || b || c`, or the whole. */
function alternatives(test: Expression): readonly Expression[] {
  if (test.type === "ParenthesizedExpression") return alternatives(test.expression);
  if (test.type !== "LogicalExpression" || test.operator !== "||") return [test];
  return [...alternatives(test.left), ...alternatives(test.right)];
}

function leadsAway(statement: Statement | undefined): boolean {
  switch (statement?.type) {
    case "BlockStatement":
      return leadsAway(statement.body.at(-1));
    case "ReturnStatement":
    case "ThrowStatement":
    case "ContinueStatement":
    case "BreakStatement":
      return true;
    default:
      return false;
  }
}
