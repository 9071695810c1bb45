const { SubscriptionServer } = require("subscriptions-transport-ws"); const { execute, subscribe, buildSchema } = require("graphql"); const http = require("http");
const schema = buildSchema("type Query { hello(name: String): String } type Trade { px: Float at: Float channel: String } type Subscription { trades(channel: String): Trade, count(n: Int): Int }");
const server = http.createServer((q, r) => r.end()); server.listen(9204);
schema.getSubscriptionType().getFields().trades.subscribe = async function* (_, { channel }) { let px = 100; for (;;) { await new Promise((r) => setTimeout(r, 150)); yield { trades: { px: px++ / 2, at: Date.now(), channel } }; } };
schema.getSubscriptionType().getFields().count.subscribe = async function* (_, { n }) { for (let i = 0; i < n; i++) { await new Promise((r) => setTimeout(r, 20)); yield { count: i }; } };
SubscriptionServer.create({ schema, execute, subscribe, rootValue: { hello: ({ name }) => "hi " + name }, keepAlive: 700 }, { server, path: "/graphql" });
