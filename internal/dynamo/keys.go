package dynamo

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/list"
	"lunogram-users/internal/user"
)

// Every key of the table is made in this file. Parts that come from users are escaped, so that no value
// can forge a separator; every key but those of API keys and sender numbers starts with its project.
//
//	entity          pk                                 sk
//	profile         USER#<project>#<user>              PROFILE
//	consent event   USER#<project>#<user>              CONSENT#<event>
//	merge record    USER#<project>#<user>              MERGE#<absorbed user>
//	identifier      IDENT#<project>#<source>#<ext id>  IDENT
//	suppression     SUPPRESS#<project>#<channel>#<h>   SUPPRESS      h = keyed hash of the address
//	project         PROJECT#<project>                  PROJECT
//	group           PROJECT#<project>                  GROUP#<group>
//	key of project  PROJECT#<project>                  KEY#<sha-256>
//	API key         KEY#<sha-256>                      KEY
//	sender          SENDER#<E.164>                     SENDER
//	import          IMPORT#<project>#<import>          IMPORT
//	its chunks      IMPORT#<project>#<import>          CHUNK#<phase>#<number>
//	inbound SMS     INBOUND#<project>#<message>        INBOUND       forgotten after 30 days
//	change of one   SUPPRESS#<project>#<channel>#<h>   CONSENT#<event>
//	filter          FILTER#<project>                   <c>           of suppressed addresses; c = first character of h
//	recent refusal  RECENT#<project>                   <ms>#<user>   forgotten after an hour
//	proof           PROOF#<project>#<keyed hash>       PROOF         of what an erased user had refused
//	review          REVIEWS#<project>                  <message>     a text that a person must decide; forgotten after 30 days
//
//	list            LISTS#<project>                    LIST#<list>
//	their catalog   LISTS#<project>                    CATALOG       its revision changes with the names and the number of lists
//	work on it      LISTS#<project>                    SEGMENT#<list>#<revision>#<phase>#<number>  forgotten after 40 days
//	wake            LISTS#<project>                    WAKE          when the project is to be woken next
//	membership      USER#<project>#<user>              MEMBER#<list>
//	due moment      USER#<project>#<user>              MEMBER#DUE    when a rule may next change for the user
//
//	index       hash                                        range
//	by_project  list_pk   USERS#<project>#<shard>           id         the user id, newest first when read backwards
//	            list_pk   MEMBERS#<project>#<list>#<shard>  id         likewise, of members
//	            list_pk   DUE#<project>#<shard>             id         <ms>#<user>
//	            list_pk   IMPORTS#<project>                 id         the import id, newest first when read backwards
//	by_email    email_pk  EMAIL#<project>#<shard>           email_key  <folded e-mail>#<user>
//	by_phone    phone_pk  PHONE#<project>#<E.164>           id
const (
	skProfile  = "PROFILE"
	skConsent  = "CONSENT#"
	skMerge    = "MERGE#"
	skIdent    = "IDENT"
	skSuppress = "SUPPRESS"
	skProject  = "PROJECT"
	skGroup    = "GROUP#"
	skKey      = "KEY"
	skSender   = "SENDER"
	skImport   = "IMPORT"
	skChunk    = "CHUNK#"
	skInbound  = "INBOUND"
	skProof    = "PROOF"
	skList     = "LIST#"
	skCatalog  = "CATALOG"
	skSegment  = "SEGMENT#"
	skWake     = "WAKE"
	skMember   = "MEMBER#"
	skDue      = skMember + "DUE" // no list has that id: theirs are UUIDs

	indexProject = "by_project"
	indexEmail   = "by_email"
	indexPhone   = "by_phone"

	// shards is how many partitions an index of a whole project is spread over: one partition takes
	// 1,000 writes a second. It can never change, as stored entries carry their shard.
	shards = list.Segments
)

// key is the primary key of an item.
type key struct {
	PK string `dynamodbav:"pk"`
	SK string `dynamodbav:"sk"`
}

func (k key) attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": str(k.PK), "sk": str(k.SK)}
}

func profileKey(project, userID string) key { return key{join("USER", project, userID), skProfile} }

func consentKey(project, userID, event string) key {
	return key{join("USER", project, userID), skConsent + event}
}

func mergeKey(project, survivor, absorbed string) key {
	return key{join("USER", project, survivor), skMerge + absorbed}
}

func identKey(project string, p user.Pair) key {
	return key{join("IDENT", project, p.Source, p.ExternalID), skIdent}
}

func suppressKey(project, channel, hash string) key {
	return key{join("SUPPRESS", project, channel, hash), skSuppress}
}

func suppressChangeKey(suppression key, event string) key {
	return key{suppression.PK, skConsent + event}
}

// filterKey returns the key of the part of the filter that has the addresses of a hash.
func filterKey(project, hash string) key { return key{filterPK(project), hash[:1]} }
func filterPK(project string) string     { return join("FILTER", project) }

func recentKey(project string, at millis, userID string) key {
	return key{recentPK(project), stamp(at, userID)}
}
func recentPK(project string) string    { return join("RECENT", project) }
func proofKey(project, hash string) key { return key{join("PROOF", project, hash), skProof} }
func reviewKey(project, message string) key {
	return key{reviewPK(project), escape(message)}
}
func reviewPK(project string) string { return join("REVIEWS", project) }

func projectKey(project string) key { return key{join("PROJECT", project), skProject} }
func groupKey(project, group string) key {
	return key{join("PROJECT", project), skGroup + escape(group)}
}
func projectKeyKey(project, hash string) key {
	return key{join("PROJECT", project), skKey + "#" + hash}
}
func apiKeyKey(hash string) key  { return key{join("KEY", hash), skKey} }
func senderKey(phone string) key { return key{join("SENDER", phone), skSender} }
func inboundKey(project, message string) key {
	return key{join("INBOUND", project, message), skInbound}
}
func importKey(project, id string) key { return key{join("IMPORT", project, id), skImport} }
func chunkKey(project, id, phase string, number int) key {
	return key{importKey(project, id).PK, chunkPrefix(phase) + strconv.Itoa(number)}
}
func chunkPrefix(phase string) string { return skChunk + escape(phase) + "#" }

func importsPK(project string) string { return join("IMPORTS", project) }

func listsPK(project string) string      { return join("LISTS", project) }
func listKey(project, listID string) key { return key{listsPK(project), skList + escape(listID)} }
func catalogKey(project string) key      { return key{listsPK(project), skCatalog} }
func wakeKey(project string) key         { return key{listsPK(project), skWake} }
func memberKey(project, user, list string) key {
	return key{profileKey(project, user).PK, skMember + escape(list)}
}
func dueKey(project, user string) key { return key{profileKey(project, user).PK, skDue} }
func segmentKey(project string, s list.Segment) key {
	return key{listsPK(project), segmentPrefix(s.ListID, s.Revision, s.Phase) + strconv.Itoa(s.Number)}
}
func segmentPrefix(listID string, revision int64, phase list.Phase) string {
	return skSegment + join(listID, strconv.FormatInt(revision, 10), string(phase)) + "#"
}

func membersShard(project, listID string, n int) string {
	return join("MEMBERS", project, listID, fmt.Sprintf("%x", n))
}
func dueShard(project string, n int) string { return join("DUE", project, fmt.Sprintf("%x", n)) }

// stamp sorts by time, which is in milliseconds with 13 digits until the year 2286.
func stamp(at millis, userID string) string { return fmt.Sprintf("%013d#%s", at, userID) }

// lastStamp is the last time of 13 digits.
const lastStamp millis = 9_999_999_999_999

func listPK(project, userID string) string { return listShard(project, shardOf(userID)) }
func listShard(project string, n int) string {
	return join("USERS", project, fmt.Sprintf("%x", n))
}
func emailPK(project, folded string) string   { return emailShard(project, shardOf(folded)) }
func emailShard(project string, n int) string { return join("EMAIL", project, fmt.Sprintf("%x", n)) }
func phonePK(project, phone string) string    { return join("PHONE", project, phone) }

// emailKey ends with the user id, so that it is unique and a page can go on after it. A folded address
// ends with its domain, which holds no #, so emailKey(address, "") is a prefix of that address only.
func emailKey(folded, userID string) string { return folded + "#" + userID }

func shardOf(s string) int {
	sum := sha256.Sum256([]byte(s))
	return int(sum[0]) % shards
}

func join(parts ...string) string {
	for i, p := range parts {
		parts[i] = escape(p)
	}
	return strings.Join(parts, "#")
}

var (
	// Brackets are escaped too: pairs are also names in expressions, where a bracket is an index.
	escaper   = strings.NewReplacer("%", "%25", "#", "%23", "[", "%5B", "]", "%5D")
	unescaper = strings.NewReplacer("%25", "%", "%23", "#", "%5B", "[", "%5D", "]")
)

func escape(s string) string   { return escaper.Replace(s) }
func unescape(s string) string { return unescaper.Replace(s) }

// pairName is the name of a pair in the identifiers map of a profile.
func pairName(p user.Pair) string { return join(p.Source, p.ExternalID) }

func parsePairName(s string) user.Pair {
	source, externalID, _ := strings.Cut(s, "#")
	return user.Pair{Source: unescape(source), ExternalID: unescape(externalID)}
}
