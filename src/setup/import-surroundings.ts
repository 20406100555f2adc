/** What has to be asked of the machine to which an old configuration is moved; all else of an import is pure. */
export type ImportSurroundings = {
  /** The Python in which Faraday's own executors are; undefined where none was found. */
  readonly python: string | undefined;
  /** Names of the variables that Faraday's own executor of that name wants; undefined where there is none such. */
  readonly officialVariables: (name: string) => readonly string[] | undefined;
  /** Whether cb or somebody else has put an executor of that name into a run-directory that is not the administrator's. */
  readonly isShipped: (name: string) => boolean;
  readonly isFile: (path: string) => boolean;
  /** Why no certificates can be read from a file; undefined where they can. */
  readonly certificatesProblem: (path: string) => string | undefined;
  /** Of whoever ran the old agent. */
  readonly home: string;
  /** Directories in which relative paths may be meant, likeliest first; at least one. */
  readonly places: readonly string[];
  /** Where executables go. */
  readonly runDirectory: string;
  /** Whether a service will run the dispatcher, and is kept out of there. */
  readonly isHidden: (path: string) => boolean;
};
