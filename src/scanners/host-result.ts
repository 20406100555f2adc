/** What is posted for one host, and how much of what it holds. */
export type HostResult = {
  readonly host: object;
  readonly services: number;
  readonly vulnerabilities: number;
};
