#include "app/panels/sections/hires_section.h"

#include "app/models/request_document.h"
#include "app/panels/parameter_field.h"
#include "app/panels/sections/companion_field.h"
#include "core/library/companion_fit.h"

#include <QCheckBox>
#include <QVBoxLayout>

namespace kinora::app {
namespace {

constexpr double kUsualTimes = 2;

bool isOfThePass(const pipelines::Parameter& parameter) {
    return parameter.name.starts_with("hires");
}

bool isOfUpscaling(const pipelines::Parameter& parameter) {
    return parameter.name.starts_with("upscale");
}

} // namespace

HiresSection::HiresSection(const Parts& parts)
    : ComposeSection(parts, pipelines::findImageParameter("upscaler") == nullptr
                                ? "Second pass"
                                : "Second pass and upscaler"),
      m_on(new QCheckBox("Make it larger in a second pass")) {
    m_on->setAccessibleName(m_on->text());
    m_on->setToolTip(toQString(pipelines::findImageParameter("hires")->help));
    content()->addWidget(m_on);
    const QString rest =
        " of " + toQString(pipelines::findImageParameter("hires")->label).toLower();
    const auto shorten = [&](auto* field) {
        const QString label = toQString(field->parameter().label);
        if (label.endsWith(rest)) field->setLabel(label.chopped(rest.size()));
    };
    for (const std::string_view name : parameters()) {
        const pipelines::Parameter& parameter = *pipelines::findImageParameter(name);
        if (CompanionField::kindFor(parameter)) {
            m_upscalers.push_back(new CompanionField(theme(), document(), parameter));
            content()->addWidget(m_upscalers.back());
            shorten(m_upscalers.back());
            if (!isOfThePass(parameter)) m_upscalers.back()->setLabel("At the end");
        } else {
            shorten(addField(name));
        }
    }
    fields().front()->setLabel("Times larger");
    connect(m_on, &QCheckBox::clicked, this, [this](bool on) {
        pipelines::ImageRequest after = request();
        for (const std::string_view name : parameters())
            if (const auto& row = *pipelines::findImageParameter(name); isOfThePass(row))
                std::visit([&](auto member) { after.*member = pipelines::ImageRequest{}.*member; },
                           row.field);
        if (on) after.hires = kUsualTimes;
        showProblem(
            document().edit(after, on ? "use of a second pass" : "removal of a second pass"));
    });
    begin();
}

std::vector<std::string_view> HiresSection::parameters() const {
    std::vector<std::string_view> names;
    for (const pipelines::Parameter& parameter : pipelines::imageParameters())
        if (isOfThePass(parameter) || isOfUpscaling(parameter)) names.push_back(parameter.name);
    return names;
}

bool HiresSection::use(const core::CompanionInfo& file) {
    if (core::companionKindOf(file) != core::CompanionKind::Upscaler) return false;
    for (const char* name : {"hiresUpscaler", "upscaler"}) {
        const pipelines::Parameter* parameter = pipelines::findImageParameter(name);
        if (parameter == nullptr) continue;
        pipelines::ImageRequest after = request();
        if (isOfThePass(*parameter) && !after.hires) after.hires = kUsualTimes;
        pipelines::setFromText(after, *parameter, file.path.string());
        showProblem(document().edit(after, "use of an upscaler"));
        return true;
    }
    return false;
}

void HiresSection::refresh() {
    const bool on = request().hires.has_value();
    m_on->setChecked(on);
    for (ParameterField* field : fields())
        field->setVisible(on || !isOfThePass(field->parameter()));
    for (CompanionField* field : m_upscalers)
        field->setVisible(on || !isOfThePass(field->parameter()));
}

QString HiresSection::summary() const {
    QStringList parts;
    if (request().hires)
        parts << document().effectiveText(*pipelines::findImageParameter("hires")) + QChar(0x00d7);
    for (const CompanionField* field : m_upscalers)
        if (const auto text = pipelines::toText(request(), field->parameter());
            text && !text->empty())
            parts << markOf(*text).chopped(1);
    return parts.join(", ");
}

QStringList HiresSection::marks() const {
    return {"hires", "second pass", "upscaler"};
}

} // namespace kinora::app
