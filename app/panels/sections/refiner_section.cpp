#include "app/panels/sections/refiner_section.h"

#include "app/models/request_document.h"
#include "app/panels/parameter_field.h"
#include "app/widgets/calm_inputs.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"
#include "core/library/companion_fit.h"

#include <QFileInfo>
#include <QLabel>
#include <QSignalBlocker>
#include <QStandardItemModel>
#include <QVBoxLayout>

#include <algorithm>

namespace kinora::app {
namespace {

const pipelines::Parameter& row() {
    return *pipelines::findImageParameter("refiner");
}

} // namespace

RefinerSection::RefinerSection(const Parts& parts)
    : ComposeSection(parts, toQString(row().label)), m_model(new ChoiceBox(parts.theme)),
      m_misfit(makeLabel({}, "error", "small")) {
    m_model->setAccessibleName(toQString(row().label));
    m_model->setToolTip(toQString(row().help));
    m_misfit->setWordWrap(true);
    content()->addWidget(m_model);
    content()->addWidget(m_misfit);
    m_from = addField("refinerAt");
    m_from->setLabel("Goes on from");
    connect(m_model, &QComboBox::activated, this, [this](int index) {
        pipelines::ImageRequest after = request();
        const std::string name = m_model->itemData(index).toString().toStdString();
        after.refiner = name.empty() ? std::nullopt : std::optional(name);
        if (name.empty()) after.refinerAt.reset();
        showProblem(document().edit(after, "change of the refiner"));
    });
    connect(&parts.document, &RequestDocument::modelsChanged, this, [this] { m_models = 0; });
    begin();
}

void RefinerSection::fill() {
    const QSignalBlocker blocker(m_model);
    m_model->clear();
    m_model->addItem("None", QString());
    const core::ModelEntry* base = document().model();
    auto* items = qobject_cast<QStandardItemModel*>(m_model->model());
    const auto addModels = [&](bool fitting) {
        for (const core::ModelEntry& entry : document().models()) {
            const QString misfit =
                base == nullptr ? QString() : toQString(core::refinerMisfit(entry, *base));
            if (misfit.isEmpty() != fitting) continue;
            const QString title = toQString(entry.title.empty() ? entry.name : entry.title);
            m_model->addItem(fitting ? title : title + " (" + misfit + ")", toQString(entry.name));
            items->item(m_model->count() - 1)->setEnabled(fitting);
        }
    };
    addModels(true);
    addModels(false);
}

void RefinerSection::refresh() {
    const core::ModelEntry* base = document().model();
    const std::string family = base == nullptr ? std::string() : base->family;
    if (m_models != document().models().size() || m_filledFor != family) fill();
    m_models = document().models().size();
    m_filledFor = family;
    const std::string name = request().refiner.value_or("");
    const QSignalBlocker blocker(m_model);
    int found = m_model->findData(toQString(name), Qt::UserRole, Qt::MatchFixedString);
    m_model->setPlaceholderText(QFileInfo(toQString(name)).fileName());
    m_model->setCurrentIndex(found);
    m_from->setVisible(!name.empty());
    QString misfit;
    const auto& models = document().models();
    const auto entry = std::ranges::find(models, name, &core::ModelEntry::name);
    if (entry != models.end() && document().model() != nullptr)
        misfit = toQString(core::refinerMisfit(*entry, *document().model()));
    else if (found < 0 && !models.empty() && !QFileInfo::exists(toQString(name)))
        misfit = "there is no model of this name here";
    m_misfit->setText(misfit.isEmpty() ? misfit : misfit.left(1).toUpper() + misfit.mid(1) + ".");
    m_misfit->setVisible(!misfit.isEmpty());
}

QString RefinerSection::summary() const {
    if (!request().refiner || request().refiner->empty()) return {};
    QString text = markOf(*request().refiner).chopped(1);
    if (request().refinerAt) text += QString(", from %1").arg(*request().refinerAt);
    return text;
}

QStringList RefinerSection::marks() const {
    QStringList marks = {"refine"};
    if (request().refiner && !request().refiner->empty())
        marks << toQString(*request().refiner) + ":";
    return marks;
}

} // namespace kinora::app
