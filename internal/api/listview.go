package api

import "lunogram-users/internal/list"

// listView is a list on the wire. What does not apply, or is not known yet, is null.
type listView struct {
	ID            string        `json:"id"`
	ProjectID     string        `json:"project_id"`
	Name          string        `json:"name"`
	Description   string        `json:"description"`
	Type          list.Kind     `json:"type"`
	Rule          *string       `json:"rule"`
	PublishedRule *string       `json:"published_rule"`
	Revision      int64         `json:"revision"` // 0 for a static list
	CopyOf        *string       `json:"copy_of"`
	Status        list.Status   `json:"status"`
	Progress      *progressView `json:"progress,omitempty"` // of one list that is not ready
	MembersCount  *int64        `json:"members_count"`
	CountedAt     *moment       `json:"counted_at"`
	CreatedAt     moment        `json:"created_at"`
	UpdatedAt     moment        `json:"updated_at"`
	ArchivedAt    *moment       `json:"archived_at"`
}

func viewList(l list.List) listView {
	v := listView{
		ID: l.ID, ProjectID: l.ProjectID, Name: l.Name, Description: l.Description, Type: l.Kind, Rule: filled(l.Rule),
		PublishedRule: filled(l.Published), Revision: l.Revision, CopyOf: filled(l.CopyOf), Status: l.Status,
		CreatedAt: moment(l.CreatedAt), UpdatedAt: moment(l.UpdatedAt), ArchivedAt: when(l.ArchivedAt),
	}
	if l.Count != nil {
		v.MembersCount, v.CountedAt = &l.Count.Members, when(l.Count.At)
	}
	return v
}

// filled shows a text that may be missing.
func filled(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// newListView is a list that was just made.
type newListView struct{ listView }

// location implements created.
func (v newListView) location() string {
	return "/api/admin/projects/" + v.ProjectID + "/lists/" + v.ID
}

// listPageView is one page of lists. NextCursor is null on the last page.
type listPageView struct {
	Results    []listView `json:"results"`
	NextCursor *string    `json:"next_cursor"`
	Limit      int        `json:"limit"`
}

// progressView is how far the work on the members of a list is. Users is how many were looked at.
type progressView struct {
	Phase        list.Phase `json:"phase"`
	Segments     int        `json:"segments"`
	SegmentsDone int        `json:"segments_done"`
	Users        int64      `json:"users"`
	Added        int64      `json:"added"`
	Removed      int64      `json:"removed"`
}

func viewProgress(phase list.Phase, segments []list.Segment) progressView {
	v := progressView{Phase: phase, Segments: list.Segments}
	for _, s := range segments {
		v.Users += s.Users
		v.Added += s.Added
		v.Removed += s.Removed
		if s.Done {
			v.SegmentsDone++
		}
	}
	return v
}
