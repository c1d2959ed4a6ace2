package routing

// Group is the kind of data that a command works on, or else what it is for: about the groups of the documentation of
// Redis, in one byte. Times are shown by it.
type Group uint8

const (
	// OtherGroup has the commands that the table lacks: those of modules.
	OtherGroup Group = iota
	StringGroup
	KeyspaceGroup
	HashGroup
	ListGroup
	SetGroup
	SortedSetGroup
	StreamGroup
	GeoGroup
	VectorGroup
	PubSubGroup
	ScriptGroup
	TransactionGroup
	// ServerGroup has what is about a server, a cluster or a connection.
	ServerGroup

	// Groups is the number of groups.
	Groups = int(ServerGroup) + 1
)

var groupNames = [Groups]string{"other", "string", "keyspace", "hash", "list", "set", "sortedset", "stream", "geo",
	"vector", "pubsub", "scripting", "transaction", "server"}

// String returns the name in metrics.
func (g Group) String() string { return groupNames[g] }

// groupRows are the rows of the table by their group; ServerGroup has those that are not listed.
var groupRows = map[Group][]*Command{
	StringGroup: stringRows, KeyspaceGroup: keyspaceRows, HashGroup: hashRows, ListGroup: listRows, SetGroup: setRows,
	SortedSetGroup: sortedSetRows, StreamGroup: streamRows, GeoGroup: geoRows, VectorGroup: vectorRows,
	PubSubGroup: pubsubRows, ScriptGroup: scriptRows,
}

// groups has the group of each row of Rows, by its Index; OtherGroup at 0.
var groups []Group

// numberGroups fills in groups.
func numberGroups() {
	groups = make([]Group, len(rows)+1)
	for i, c := range rows {
		if groups[i+1] = ServerGroup; c.Has(Transaction) {
			groups[i+1] = TransactionGroup
		}
	}
	for g, of := range groupRows {
		for _, c := range of {
			groups[c.Index] = g
			for _, sub := range c.Subcommands() {
				groups[sub.Index] = g
			}
		}
	}
}

// GroupOf returns the group of the row with an Index, OtherGroup for 0.
func GroupOf(index int) Group { return groups[index] }
