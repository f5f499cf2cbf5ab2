package label_test

import (
	"errors"
	"testing"

	"lunogram-users/internal/label"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, label string
		want        error
	}{
		{"words", "Weekly news", nil},
		{"another script", "أخبار الأسبوع", nil},
		{"emoji with a joiner", "👩‍🔬 Science", nil},
		{"nothing", "", label.ErrBlank},
		{"spaces", " \u00a0\u3000", label.ErrBlank},
		{"a line feed", "News\nOffers", label.ErrControl},
		{"NUL", "News\x00", label.ErrControl},
		{"a C1 control", "News\u0085", label.ErrControl},
		{"an override", "News\u202eswen", label.ErrControl},
		{"an embedding", "\u202aNews", label.ErrControl},
		{"an isolate", "\u2066News\u2069", label.ErrControl},
	}
	for _, tt := range tests {
		if got := label.Check(tt.label); !errors.Is(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
