package layers

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Text is a bilingual text: Chinese first, English by a switch.
type Text struct {
	Zh string `json:"zh" yaml:"zh"`
	En string `json:"en,omitempty" yaml:"en,omitempty"`
}

// Layer is one department's published data set: in OGC API paths a collection,
// in the resource catalogue an entry (发改高技〔2017〕1272号).
type Layer struct {
	ID           string       `json:"id"`
	Title        Text         `json:"title"`
	Abstract     Text         `json:"abstract,omitzero"`
	Code         string       `json:"code,omitempty"`         // 信息资源代码
	RelatedCodes []string     `json:"relatedCodes,omitempty"` // 关联资源代码
	Department   Department   `json:"department"`             // 数源部门
	Chief        Person       `json:"chief,omitzero"`         // 云长, the head who answers for it
	Steward      Person       `json:"steward,omitzero"`       // 数据联络人
	Themes       []string     `json:"themes"`                 // ids in the theme tree
	Sharing      Sharing      `json:"sharing"`                // 共享类型
	SharingNote  Text         `json:"sharingNote,omitzero"`   // 共享条件
	Open         bool         `json:"open"`                   // 开放属性: open to society
	UpdateCycle  UpdateCycle  `json:"updateCycle"`            // 更新周期
	Published    string       `json:"published,omitempty"`    // 发布日期, YYYY-MM-DD
	Source       Text         `json:"source,omitzero"`        // where the data come from, with licence
	Synthetic    bool         `json:"synthetic,omitempty"`    // 演示数据: invented, and must say so
	Schematic    bool         `json:"schematic,omitempty"`    // outlines only illustrate: 本图界线仅为示意
	Geometry     GeometryType `json:"geometry"`
	Schema       Schema       `json:"schema"`
	Display      Display      `json:"display,omitzero"`
}

// Department is who provides a layer.
type Department struct {
	ID       string          `json:"id"`
	Name     Text            `json:"name"`
	Level    GovernmentLevel `json:"level"`
	Division string          `json:"division"` // GB/T 2260 code
	Kind     DepartmentKind  `json:"kind"`
}

// Unregistered stands for the department of a layer that came without one.
var Unregistered = Department{ID: "unregistered", Name: Text{Zh: "未登记部门", En: "Department not registered"}, Level: LevelRegion, Kind: KindGovernment}

// GovernmentLevel is one of the four levels 自治区, 市, 县, 乡镇.
type GovernmentLevel string

const (
	LevelRegion   GovernmentLevel = "region"
	LevelCity     GovernmentLevel = "city"
	LevelCounty   GovernmentLevel = "county"
	LevelTownship GovernmentLevel = "township"
)

// DepartmentKind tells government departments from others that hold data.
type DepartmentKind string

const (
	KindGovernment DepartmentKind = "government"
	KindEnterprise DepartmentKind = "enterprise" // state-owned enterprise
	KindSocial     DepartmentKind = "social"     // social body
)

// Person is somebody responsible, named beside the data they answer for.
type Person struct {
	Name  Text   `json:"name"`
	Phone string `json:"phone,omitempty"`
}

// Sharing is a layer's sharing class between departments. Openness to society
// is separate (Layer.Open).
type Sharing string

const (
	Unconditional Sharing = "unconditional" // 无条件共享: any department
	Conditional   Sharing = "conditional"   // 有条件共享: named departments, on request
	NotShared     Sharing = "none"          // 不予共享: the owning department alone
)

// UpdateCycle is how often the department promised to deliver.
type UpdateCycle string

const (
	RealTime  UpdateCycle = "realtime"
	Daily     UpdateCycle = "daily"
	Weekly    UpdateCycle = "weekly"
	Monthly   UpdateCycle = "monthly"
	Quarterly UpdateCycle = "quarterly"
	Yearly    UpdateCycle = "yearly"
	Irregular UpdateCycle = "irregular"
)

// Duration returns the promised time between deliveries; 0 for irregular.
func (c UpdateCycle) Duration() time.Duration {
	const day = 24 * time.Hour
	switch c {
	case RealTime:
		return 5 * time.Minute
	case Daily:
		return day
	case Weekly:
		return 7 * day
	case Monthly:
		return 31 * day
	case Quarterly:
		return 92 * day
	case Yearly:
		return 366 * day
	}
	return 0
}

// GeometryType is the declared geometry type of a layer. The multi types also
// accept their single parts.
type GeometryType string

const (
	Point           GeometryType = "Point"
	LineString      GeometryType = "LineString"
	Polygon         GeometryType = "Polygon"
	MultiPoint      GeometryType = "MultiPoint"
	MultiLineString GeometryType = "MultiLineString"
	MultiPolygon    GeometryType = "MultiPolygon"
	AnyGeometry     GeometryType = "Geometry"
)

// Display says how a layer wants to be drawn. It is data: the front end turns
// it into map style layers, and the same values style desk, wall and print.
type Display struct {
	Symbol  string  `json:"symbol,omitempty"`  // icon name (maki or temaki)
	Color   string  `json:"color,omitempty"`   // palette name, e.g. "blue"; the theme decides the shade
	ColorBy string  `json:"colorBy,omitempty"` // attribute that chooses the class
	Classes []Class `json:"classes,omitempty"` // at most seven
	SizeBy  string  `json:"sizeBy,omitempty"`  // numeric attribute that scales a point
	Heading string  `json:"heading,omitempty"` // attribute with degrees clockwise from north
	Live    bool    `json:"live,omitempty"`    // drawn from the live feed, feature by feature
	Base    string  `json:"base,omitempty"`    // part of the base map: "outline", "division", "township", "river", "coast", "label"
	On      bool    `json:"on,omitempty"`      // on at first paint
	MinZoom float64 `json:"minZoom,omitempty"` // first zoom at which the explorer draws it
	Order   int     `json:"order,omitempty"`   // drawing order, lowest first
	// TileBytes is what a vector tile of the layer may take before compression, where
	// features would merge otherwise; 0: what the server thinks good.
	TileBytes int `json:"tileBytes,omitempty"`
}

// LeastTileBytes and MostTileBytes bound Display.TileBytes.
const (
	LeastTileBytes = 10_000
	MostTileBytes  = 500_000
)

// Class is one entry of a legend: either a value, or everything from Min up to
// the next class's Min.
type Class struct {
	Value any      `json:"value,omitempty"`
	Min   *float64 `json:"min,omitempty"`
	Color string   `json:"color"`
	Label Text     `json:"label"`
}

var layerID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

var (
	geometryTypes = []GeometryType{Point, LineString, Polygon, MultiPoint, MultiLineString, MultiPolygon, AnyGeometry}
	sharings      = []Sharing{Unconditional, Conditional, NotShared}
	updateCycles  = []UpdateCycle{RealTime, Daily, Weekly, Monthly, Quarterly, Yearly, Irregular}
)

// Validate reports everything that is wrong with the definition.
func (l *Layer) Validate() error {
	var vs violations
	if !layerID.MatchString(l.ID) {
		vs.add("id", l.ID, "not a layer id", "lower-case letters, digits, - and _, at most 63, starting with a letter or digit")
	}
	if l.Title.Zh == "" && l.Title.En == "" {
		vs.add("title", "", "missing", "give a title in Chinese, English or both")
	}
	if !slices.Contains(geometryTypes, l.Geometry) {
		vs.add("geometry", string(l.Geometry), "unknown geometry type", list(geometryTypes))
	}
	if !slices.Contains(sharings, l.Sharing) {
		vs.add("sharing", string(l.Sharing), "unknown sharing class", list(sharings))
	}
	if l.Open && l.Sharing != Unconditional {
		// What society may read, every department may read.
		vs.add("open", "true", "an open layer must be shared unconditionally", "set sharing to unconditional, or open to false")
	}
	if !slices.Contains(updateCycles, l.UpdateCycle) {
		vs.add("updateCycle", string(l.UpdateCycle), "unknown update cycle", list(updateCycles))
	}
	if n := l.Display.TileBytes; n != 0 && (n < LeastTileBytes || n > MostTileBytes) {
		vs.add("display.tileBytes", strconv.Itoa(n), "out of range", fmt.Sprintf("%d to %d, or leave it out", LeastTileBytes, MostTileBytes))
	}
	l.Schema.validate(&vs)
	return vs.err("the layer definition is not valid")
}

func list[T ~string](values []T) string {
	s := "one of "
	for i, v := range values {
		if i > 0 {
			s += ", "
		}
		s += string(v)
	}
	return s
}
