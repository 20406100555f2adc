import { faradayDebug } from "./measure-faraday.ts";

await faradayDebug();
