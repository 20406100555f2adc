/** A thousand agents in this process and a real station, beside the bare work of both sides. */
import { join } from "node:path";
import { KEY_FILES, loadNetworkSecret, loadStationPublics } from "../../src/cli/key-files.ts";
import type { Channel } from "../../src/core/names.ts";
import { hex, utf8 } from "../../src/protocol/bytes.ts";
import { boxKeyPair, randomBytes, signKeyPair } from "../../src/protocol/crypto.ts";
import { Fleet } from "../support/fleet.ts";
import { lines } from "../support/running-program.ts";
import { COMMAND, EmulatedFleet, type FleetOptions, nameOf } from "./fleet.ts";
import { FloorFleet } from "./floor-fleet.ts";
import { completed, milliseconds } from "./programs.ts";
import { type Row, side } from "./table.ts";

const AGENTS = 1_000;

/** @param floor the executable of `floor.ts` */
export async function emulatedAgents(floor: string): Promise<readonly Row[]> {
  await using fleet = await Fleet.start();
  const { redisSocket } = fleet;
  await using _agents = await startEmulated(fleet, AGENTS, (index) => ({
    stdout: utf8(`hello from ${index}\n`),
  }));
  const [network, seed] = [boxKeyPair(), randomBytes(32)];
  using _floorAgents = await FloorFleet.start(redisSocket, AGENTS, network, signKeyPair(seed).publicKey);
  const bare = [floor, "station", redisSocket, String(AGENTS), hex(network.publicKey), hex(seed)];
  const wanted = Array.from({ length: AGENTS }, (_, index) => `${nameOf(index)} │ hello from ${index}`);
  const ours = async () => {
    const finished = await fleet.station("run", COMMAND);
    return completed(finished, wanted, lines(finished.stdout));
  };
  return [
    {
      what: `${AGENTS} emulated agents, cb station run`,
      beside: "the bare work",
      unit: "ms",
      ...(await side(9, ours, () => milliseconds(...bare))),
      aim: { of: "ratio", most: 2, whereMissed: "codec, checks and rendering cost more than the rest" },
    },
  ];
}

/** Emulated agents on the Redis of a fleet, with its keys. */
export async function startEmulated(
  { redisSocket, config }: Fleet,
  agents: number,
  model: FleetOptions["model"],
  name?: FleetOptions["name"],
): Promise<EmulatedFleet> {
  const [network] = loadNetworkSecret(join(config, KEY_FILES["network-secret"].name), {});
  const [station] = loadStationPublics(join(config, KEY_FILES["base-station-public"].name), {});
  if (network === undefined || station === undefined) throw new Error("keygen has made no keys");
  const channel = "default" as Channel;
  const named = name === undefined ? {} : { name };
  return EmulatedFleet.start({ redisSocket, channel, network, station, agents, model, ...named });
}
