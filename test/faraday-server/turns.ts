/** Lets one go after the other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<Result>(body: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(body, body);
    this.#last = turn;
    return turn;
  }
}
