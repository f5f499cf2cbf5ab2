package api

import (
	"context"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/liquid"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// Every method of the interfaces below may be called concurrently and is strongly consistent, except where it says
// otherwise. A group that is not of the project is consent.ErrNoGroup, nobody is user.ErrNotFound.

// Groups keeps the subscription groups of projects.
type Groups interface {
	// Groups returns all of them, archived ones too, by name.
	Groups(ctx context.Context, projectID string) ([]consent.Group, error)
	Group(ctx context.Context, projectID, groupID string) (consent.Group, error)
	// CreateGroup returns consent.ErrTooManyGroups.
	CreateGroup(ctx context.Context, g consent.Group) error
	// PatchGroup returns consent.ErrArchived for a group that is out of use.
	PatchGroup(ctx context.Context, projectID, groupID string, p consent.GroupPatch) (consent.Group, error)
	// ArchiveGroup takes a group out of use for good; again is no error.
	ArchiveGroup(ctx context.Context, projectID, groupID string) (consent.Group, error)
}

// Choices sets states and keeps the ledger of that. An absorbed id means its survivor.
type Choices interface {
	User(ctx context.Context, projectID, userID string) (user.User, error)
	// Owner returns the id of the user who owns the pairs, or a *user.ConflictError when they belong to several.
	Owner(ctx context.Context, projectID string, pairs []user.Pair) (string, error)
	// SetSubscriptions sets all that the setting names, or nothing.
	SetSubscriptions(ctx context.Context, projectID, userID string, set consent.Setting) (user.User, error)
	// History returns the page of the ledger after a position, or the newest.
	History(ctx context.Context, projectID, userID, after string, limit int) (consent.Page, error)
}

// Suppressions keeps the addresses that must not be messaged. An address is canonical, and on a channel or on
// consent.AnyChannel.
type Suppressions interface {
	// Suppression returns what is known of an address, and the ledger of what was set by hand.
	Suppression(ctx context.Context, projectID string, c consent.Channel, address string) (consent.Suppression, []consent.Event, error)
	// ChangeSuppression returns consent.ErrNotSuppressed when there is nothing to lift.
	ChangeSuppression(ctx context.Context, projectID string, c consent.Channel, address string, change consent.SuppressionChange) (consent.Suppression, error)
}

// Judge says whether messages may be sent.
type Judge interface {
	// Audience answers of each named user, in order. It may miss an address or a subscription of this second, and
	// then denies; it misses no refusal.
	Audience(ctx context.Context, q user.Audience) ([]user.Answer, error)
	// MaySend answers of the first named user.
	MaySend(ctx context.Context, q user.Audience) (user.Answer, error)
}

// Reviews keeps the texts that a person must decide.
type Reviews interface {
	// Reviews returns the page after an id, or the oldest.
	Reviews(ctx context.Context, projectID, after string, limit int) (consent.ReviewPage, error)
	// DecideReview returns user.ErrNotFound for one that does not wait for a decision.
	DecideReview(ctx context.Context, projectID, id string, v consent.Verdict, e consent.Evidence) error
}

// SubscriptionsStore is what the subscriptions function needs of the store.
type SubscriptionsStore interface {
	Keys
	Projects
	Groups
	Choices
	Suppressions
	Judge
	Reviews
	// ChangeSettings replaces the settings of a project by what change makes of them. It returns the error of change.
	ChangeSettings(ctx context.Context, id string, change func(project.Settings) (project.Settings, error)) (project.Settings, error)
}

// Recipients knows whom a message is for. An absorbed id means its survivor.
type Recipients interface {
	Projects
	Group(ctx context.Context, projectID, groupID string) (consent.Group, error)
	User(ctx context.Context, projectID, userID string) (user.User, error)
	// Owner returns the id of the user who owns the pairs, or a *user.ConflictError when they belong to several.
	Owner(ctx context.Context, projectID string, pairs []user.Pair) (string, error)
}

// Templates makes a renderer of templates with some variables. It may be called concurrently.
type Templates func(vars map[string]any, o liquid.Options) liquid.Renderer

// RenderStore is what the render function needs of the store.
type RenderStore interface {
	Keys
	Recipients
	Patcher
}
