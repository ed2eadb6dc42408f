#include "app/panels/sections/ip_adapter_section.h"

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
#include "core/media/sha256.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QVBoxLayout>

namespace kinora::app {
namespace {

using core::CompanionKind;
using pipelines::ImageRequest;
using pipelines::IpAdapterChoice;

constexpr WeightField::Range kWeights{-pipelines::kMostIpAdapterWeight,
                                      pipelines::kMostIpAdapterWeight, 0, 2, 1};

class IpAdapterRow : public EntryRow {
  public:
    using Change = std::function<void(IpAdapterChoice&)>;
    using Edit =
        std::function<void(const Change& change, const QString& undoText, const QString& key)>;

    IpAdapterRow(const ComposeSection::Parts& parts, std::function<IpAdapterChoice()> now,
                 Edit edit)
        : EntryRow(parts.theme, "IP-Adapter",
                   new CompanionBox(parts.theme, parts.document, {CompanionKind::IpAdapter})),
          m_now(std::move(now)),
          m_well(new GuideWell(parts.theme, parts.pictures, "The picture that it looks at")),
          m_weight(new WeightField(parts.theme, "IP-Adapter weight",
                                   "How much the picture counts beside the prompt", kWeights)) {
        auto* beside = new QVBoxLayout;
        beside->addWidget(makeLabel("Weight", "second"));
        beside->addWidget(m_weight);
        beside->addStretch(1);
        beside->setSpacing(parts.theme.measure("gap"));
        auto* line = new QHBoxLayout;
        line->setSpacing(parts.theme.measure("margin"));
        line->addWidget(m_well, 0, Qt::AlignTop);
        line->addLayout(beside, 1);
        content()->addLayout(line);
        for (QWidget* stop :
             std::initializer_list<QWidget*>{m_well, m_weight->slider(), m_weight->number()})
            addStop(stop);
        connect(this->file(), &CompanionBox::picked, this,
                [edit](CompanionKind, const std::string& name) {
                    edit([&](IpAdapterChoice& choice) { choice.adapter = name; },
                         "change of an IP-Adapter", {});
                });
        connect(m_well, &GuideWell::picked, this, [edit](const std::string& picture) {
            edit([&](IpAdapterChoice& choice) { choice.picture = picture; }, "choice of a picture",
                 {});
        });
        connect(m_well, &GuideWell::changed, this, &IpAdapterRow::showProblem);
        connect(m_weight, &WeightField::edited, this, [edit](double weight) {
            edit([&](IpAdapterChoice& choice) { choice.weight = weight; },
                 "change of an IP-Adapter's weight", "weight");
        });
        connect(m_weight, &WeightField::finished, &parts.document, &RequestDocument::endEdit);
    }

    void refresh() override {
        const IpAdapterChoice choice = m_now();
        file()->setCurrent(CompanionKind::IpAdapter, choice.adapter);
        m_well->showFile(choice.picture);
        m_weight->setValue(choice.weight);
        showProblem();
    }

  private:
    void showProblem() {
        const IpAdapterChoice choice = m_now();
        const QString problem = file()->problem();
        say(!problem.isEmpty()       ? problem
            : choice.picture.empty() ? "Give it the picture that it looks at."
            : core::isSha256Digits(choice.picture)
                ? "Where its picture lies is not known here: give it again."
                : m_well->problem());
    }

    std::function<IpAdapterChoice()> m_now;
    GuideWell* m_well;
    WeightField* m_weight;
};

} // namespace

IpAdapterSection::IpAdapterSection(const Parts& parts)
    : ListSection(parts, "IP-Adapter", "IP-Adapter", {CompanionKind::IpAdapter}),
      m_encoder(addField("imageEncoder")) {
    begin();
}

size_t IpAdapterSection::count() const {
    return request().ipAdapters.size() + (m_draft ? 1 : 0);
}

IpAdapterChoice IpAdapterSection::choiceAt(size_t index) const {
    if (index >= request().ipAdapters.size()) return m_draft.value_or(IpAdapterChoice{});
    const auto choice = pipelines::parseIpAdapterChoice(request().ipAdapters[index]);
    return choice.value_or(IpAdapterChoice{request().ipAdapters[index], {}});
}

EntryRow* IpAdapterSection::makeRow(size_t index) {
    return new IpAdapterRow(
        parts(), [this, index] { return choiceAt(index); },
        [this, index](const IpAdapterRow::Change& edit, const QString& undoText,
                      const QString& key) {
            change(index, edit, undoText,
                   key.isEmpty() ? QString() : QString("ipAdapter %1 %2").arg(index).arg(key));
        });
}

void IpAdapterSection::change(size_t index, const std::function<void(IpAdapterChoice&)>& change,
                              const QString& undoText, const QString& key) {
    IpAdapterChoice choice = choiceAt(index);
    change(choice);
    ImageRequest after = request();
    const bool isDraft = index >= after.ipAdapters.size();
    if (isDraft && choice.picture.empty()) {
        m_draft = choice;
        refresh();
        return;
    }
    if (isDraft) {
        m_draft.reset();
        after.ipAdapters.push_back(toText(choice));
    } else {
        after.ipAdapters[index] = toText(choice);
    }
    apply(after, undoText, key);
}

void IpAdapterSection::add(CompanionKind, const std::string& name) {
    m_draft = IpAdapterChoice{name, {}};
    setOpen(true);
    refresh();
}

void IpAdapterSection::remove(size_t index) {
    ImageRequest after = request();
    if (index >= after.ipAdapters.size()) {
        m_draft.reset();
        refresh();
        return;
    }
    after.ipAdapters.erase(after.ipAdapters.begin() + static_cast<std::ptrdiff_t>(index));
    if (after.ipAdapters.empty()) after.imageEncoder.reset();
    apply(after, "removal of an IP-Adapter");
}

QString IpAdapterSection::usePicture(const std::filesystem::path& file) {
    if (count() == 0) {
        const auto only = onlyFitting();
        if (!only) return "Add the IP-Adapter first that will look at the picture.";
        add(only->first, only->second);
    }
    change(
        count() - 1, [&](IpAdapterChoice& choice) { choice.picture = file.string(); },
        "choice of a picture");
    return {};
}

void IpAdapterSection::refresh() {
    ListSection::refresh();
    m_encoder->setVisible(count() > 0);
}

QString IpAdapterSection::summary() const {
    QStringList adapters;
    for (size_t i = 0; i < request().ipAdapters.size(); ++i) {
        const IpAdapterChoice choice = choiceAt(i);
        QString text = markOf(choice.adapter).chopped(1);
        if (choice.weight != 1) text += QString(", %1").arg(choice.weight);
        adapters << text;
    }
    return adapters.join("; ");
}

QStringList IpAdapterSection::marks() const {
    QStringList marks = {"ipAdapter", "IP-Adapter", "picture encoder", "imageEncoder"};
    for (size_t i = 0; i < request().ipAdapters.size(); ++i) {
        marks << markOf(choiceAt(i).adapter);
        marks << toQString(choiceAt(i).picture);
    }
    return marks;
}

} // namespace kinora::app
