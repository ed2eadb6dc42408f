#include "app/panels/sections/control_section.h"

#include "app/models/request_document.h"
#include "app/panels/parameter_field.h"
#include "app/panels/sections/companion_box.h"
#include "app/panels/sections/entry_row.h"
#include "app/panels/sections/guide_well.h"
#include "app/widgets/calm_inputs.h"
#include "app/widgets/number_field.h"
#include "app/widgets/theme.h"
#include "app/widgets/weight_field.h"
#include "app/widgets/widget_helpers.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QVBoxLayout>

#include <algorithm>
#include <functional>

namespace kinora::app {
namespace {

using core::CompanionKind;
using pipelines::ImageRequest;

constexpr WeightField::Range kWeights{-pipelines::kMostControlWeight, pipelines::kMostControlWeight,
                                      0, 2, 1};
constexpr double kShortestStretch = 0.01;

const pipelines::Parameter& row(const char* name) {
    return *pipelines::findImageParameter(name);
}

NumberField* makeShare(const QString& name, const QString& help) {
    auto* field = new NumberField;
    field->setDecimals(2);
    field->setSingleStep(0.05);
    field->setDragStep(0.05);
    field->setAccessibleName(name);
    field->setToolTip(help);
    field->setMinimumWidth(48);
    field->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    return field;
}

class ControlRow : public EntryRow {
  public:
    using Edit = std::function<void(const std::function<void(SteeringNet&)>& change,
                                    const QString& undoText, const char* key)>;

    ControlRow(const ComposeSection::Parts& parts, size_t index, Edit edit)
        : EntryRow(parts.theme, "ControlNet",
                   new CompanionBox(parts.theme, parts.document,
                                    {CompanionKind::ControlNet, CompanionKind::Adapter})),
          m_document(parts.document), m_index(index), m_edit(std::move(edit)),
          m_well(new GuideWell(parts.theme, parts.pictures, "The picture that the net follows")),
          m_prepare(new ChoiceBox(parts.theme)),
          m_weight(new WeightField(parts.theme, "ControlNet weight",
                                   "How much the net counts: 1 as it was trained", kWeights)),
          m_begin(makeShare("ControlNet begins", "Share of the run from which on it counts")),
          m_end(makeShare("ControlNet ends", "Share of the run after which it counts no more")) {
        for (const std::string_view name : row("controlPrepare").choices)
            m_prepare->addItem(choiceTitle(name), toQString(name));
        m_prepare->setAccessibleName(toQString(row("controlPrepare").label));
        m_prepare->setToolTip(toQString(row("controlPrepare").help));
        makeLayout(parts.theme);
        for (QWidget* stop : std::initializer_list<QWidget*>{m_well, m_prepare, m_weight->slider(),
                                                             m_weight->number(), m_begin, m_end})
            addStop(stop);
        connectParts();
    }

    void refresh() override {
        const SteeringNet net = now();
        file()->setCurrent(net.kind, net.choice.name);
        m_well->showFile(net.picture, net.prepare);
        m_prepare->setCurrentIndex(m_prepare->findData(toQString(net.prepare)));
        m_weight->setValue(net.choice.weight);
        const QSignalBlocker begin(m_begin), end(m_end);
        m_begin->setRange(0, net.choice.end - kShortestStretch);
        m_end->setRange(net.choice.begin + kShortestStretch, 1);
        m_begin->setValue(net.choice.begin);
        m_end->setValue(net.choice.end);
        showProblem();
    }

  private:
    SteeringNet now() const {
        const auto nets = steeringNets(m_document.request());
        return m_index < nets.size() ? nets[m_index] : SteeringNet{};
    }

    void showProblem() {
        const QString problem = file()->problem();
        const bool isMissing = problem.isEmpty() && now().picture.empty();
        say(!problem.isEmpty() ? problem
            : isMissing        ? "Give it the picture that it follows."
                               : m_well->problem());
    }

    void makeLayout(const Theme& theme) {
        const int gap = theme.measure("gap");
        auto* beside = new QVBoxLayout;
        beside->setSpacing(gap);
        beside->addWidget(m_prepare);
        beside->addWidget(m_weight);
        beside->addStretch(1);
        auto* middle = new QHBoxLayout;
        middle->setSpacing(theme.measure("margin"));
        middle->addWidget(m_well, 0, Qt::AlignTop);
        middle->addLayout(beside, 1);
        auto* stretch = new QHBoxLayout;
        stretch->setSpacing(gap);
        stretch->addWidget(makeLabel("Counts from", "second"));
        stretch->addWidget(m_begin, 1);
        stretch->addWidget(makeLabel("to", "second"));
        stretch->addWidget(m_end, 1);
        stretch->addWidget(makeLabel("of the run", "second"));
        content()->addLayout(middle);
        content()->addLayout(stretch);
    }

    void connectParts() {
        connect(file(), &CompanionBox::picked, this,
                [this](CompanionKind kind, const std::string& name) {
                    m_edit(
                        [&](SteeringNet& net) {
                            net.kind = kind;
                            net.choice.name = name;
                        },
                        "change of a ControlNet", "");
                });
        connect(m_well, &GuideWell::picked, this, [this](const std::string& picture) {
            m_edit([&](SteeringNet& net) { net.picture = picture; }, "choice of a picture", "");
        });
        connect(m_well, &GuideWell::changed, this, &ControlRow::showProblem);
        connect(m_prepare, &QComboBox::activated, this, [this](int index) {
            const std::string name = m_prepare->itemData(index).toString().toStdString();
            m_edit([&](SteeringNet& net) { net.prepare = name; }, "change of a preparation", "");
        });
        const auto connectNumber = [this](auto* field, double pipelines::ControlChoice::* value,
                                          const char* key) {
            using Field = std::remove_pointer_t<decltype(field)>;
            connect(field, &Field::edited, this, [this, value, key](double number) {
                m_edit([&](SteeringNet& net) { net.choice.*value = number; },
                       "change of a ControlNet", key);
            });
        };
        connectNumber(m_weight, &pipelines::ControlChoice::weight, "weight");
        connectNumber(m_begin, &pipelines::ControlChoice::begin, "begin");
        connectNumber(m_end, &pipelines::ControlChoice::end, "end");
        connect(m_weight, &WeightField::finished, &m_document, &RequestDocument::endEdit);
        for (NumberField* field : {m_begin, m_end})
            connect(field, &NumberField::dragFinished, &m_document, &RequestDocument::endEdit);
    }

    RequestDocument& m_document;
    size_t m_index;
    Edit m_edit;
    GuideWell* m_well;
    ChoiceBox* m_prepare;
    WeightField* m_weight;
    NumberField* m_begin;
    NumberField* m_end;
};

} // namespace

ControlSection::ControlSection(const Parts& parts)
    : ListSection(parts, "ControlNet", "ControlNet",
                  {CompanionKind::ControlNet, CompanionKind::Adapter}),
      m_guess(new QCheckBox(toQString(row("controlGuess").label))) {
    m_guess->setAccessibleName(toQString(row("controlGuess").label));
    m_guess->setToolTip(toQString(row("controlGuess").help));
    content()->addWidget(m_guess);
    connect(m_guess, &QCheckBox::clicked, this, [this](bool on) {
        ImageRequest after = request();
        after.controlGuess = on ? std::optional<std::string>("on") : std::nullopt;
        apply(after, "change of guess mode");
    });
    begin();
}

std::vector<std::string_view> ControlSection::parameters() const {
    return {"control", "controlPrepare", "controlGuess", "controlImage",
            "adapter", "adapterPrepare", "adapterImage"};
}

EntryRow* ControlSection::makeRow(size_t index) {
    return new ControlRow(parts(), index,
                          [this, index](const std::function<void(SteeringNet&)>& change,
                                        const QString& undoText, const char* key) {
                              std::vector<SteeringNet> nets = steeringNets(request());
                              if (index >= nets.size()) return;
                              change(nets[index]);
                              const QString all = QString("control %1 %2").arg(index).arg(key);
                              edit(nets, undoText, *key == 0 ? QString() : all);
                          });
}

void ControlSection::edit(const std::vector<SteeringNet>& nets, const QString& undoText,
                          const QString& key) {
    ImageRequest after = request();
    setSteeringNets(after, nets);
    const bool steers = std::ranges::any_of(
        nets, [](const SteeringNet& net) { return net.kind == CompanionKind::ControlNet; });
    if (!steers) after.controlGuess.reset();
    apply(after, undoText, key);
}

void ControlSection::add(CompanionKind kind, const std::string& name) {
    std::vector<SteeringNet> nets = steeringNets(request());
    nets.push_back({.kind = kind, .choice = {.name = name}, .picture = {}});
    edit(nets, "use of a ControlNet");
}

void ControlSection::remove(size_t index) {
    std::vector<SteeringNet> nets = steeringNets(request());
    if (index >= nets.size()) return;
    nets.erase(nets.begin() + static_cast<std::ptrdiff_t>(index));
    edit(nets, "removal of a ControlNet");
}

QString ControlSection::usePicture(const std::filesystem::path& file) {
    std::vector<SteeringNet> nets = steeringNets(request());
    if (nets.empty()) {
        const auto only = onlyFitting();
        if (!only) return "Add the ControlNet first that will follow the picture.";
        nets.push_back({.kind = only->first, .choice = {.name = only->second}, .picture = {}});
    }
    auto net = std::ranges::find(nets, std::string(), &SteeringNet::picture);
    if (net == nets.end()) --net;
    net->picture = file.string();
    edit(nets, "choice of a picture");
    return {};
}

void ControlSection::refresh() {
    ListSection::refresh();
    m_guess->setVisible(!request().controls.empty());
    m_guess->setChecked(request().controlGuess == "on");
}

QString ControlSection::summary() const {
    QStringList nets;
    for (const SteeringNet& net : steeringNets(request())) {
        QString text = markOf(net.choice.name).chopped(1);
        if (net.choice.weight != 1) text += QString(", %1").arg(net.choice.weight);
        nets << text;
    }
    return nets.join("; ");
}

QStringList ControlSection::marks() const {
    QStringList marks = {"control:",    "adapter:",   "ControlNet",
                         "T2I-Adapter", "guess mode", "Nets that steer"};
    for (const SteeringNet& net : steeringNets(request())) {
        marks << markOf(net.choice.name);
        if (!net.picture.empty()) marks << toQString(net.picture);
    }
    return marks;
}

} // namespace kinora::app
