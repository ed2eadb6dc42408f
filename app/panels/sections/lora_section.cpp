#include "app/panels/sections/lora_section.h"

#include "app/models/prompt_words.h"
#include "app/models/request_document.h"
#include "app/panels/sections/companion_box.h"
#include "app/panels/sections/entry_row.h"
#include "app/widgets/calm_inputs.h"
#include "app/widgets/chip_row.h"
#include "app/widgets/number_field.h"
#include "app/widgets/theme.h"
#include "app/widgets/weight_field.h"
#include "app/widgets/widget_helpers.h"
#include "pipelines/request/lora_choice.h"

#include <QHBoxLayout>
#include <QToolButton>
#include <QVBoxLayout>

#include <functional>

namespace kinora::app {
namespace {

using core::CompanionKind;
using pipelines::ImageRequest;
using pipelines::LoraChoice;

constexpr WeightField::Range kWeights{-pipelines::kMostLoraWeight, pipelines::kMostLoraWeight, 0, 2,
                                      1};

LoraChoice choiceAt(const ImageRequest& request, size_t index) {
    const auto choice = pipelines::parseLoraChoice(request.loras[index]);
    return choice.value_or(LoraChoice{request.loras[index]});
}

class LoraRow : public EntryRow {
  public:
    using Edit = std::function<void(const LoraChoice&, const QString& undoText, const char* key)>;

    LoraRow(const Theme& theme, RequestDocument& document, size_t index, Edit edit)
        : EntryRow(theme, "LoRA", new CompanionBox(theme, document, {CompanionKind::Lora})),
          m_document(document), m_index(index), m_edit(std::move(edit)),
          m_weight(new WeightField(theme, "LoRA weight",
                                   "How much the LoRA counts: 1 as it was trained", kWeights)),
          m_textWeight(new WeightField(theme, "LoRA weight for the text encoder",
                                       "How much it counts in the text encoder", kWeights)),
          m_apart(new QToolButton), m_words(new ChipRow(theme, ChipRow::Choose::Any)) {
        m_apart->setText("Text");
        m_apart->setCheckable(true);
        m_apart->setProperty("chip", true);
        m_apart->setAccessibleName("Another weight for the text encoder");
        m_apart->setToolTip("Another weight for the text encoder");
        auto* line = new QHBoxLayout;
        line->setSpacing(theme.measure("gap"));
        line->addWidget(m_apart);
        line->addWidget(m_weight, 1);
        content()->addLayout(line);
        content()->addWidget(m_textWeight);
        content()->addWidget(m_words);
        m_words->setAccessibleName("Trigger words");
        m_words->setToolTip("Words that the LoRA was trained with; choosing one writes it into "
                            "the prompt");
        for (QWidget* stop :
             std::initializer_list<QWidget*>{m_apart, m_weight->slider(), m_weight->number(),
                                             m_textWeight->slider(), m_textWeight->number()})
            addStop(stop);
        m_words->setTabAfter(m_textWeight->number());
        connectParts();
    }

    void refresh() override {
        const LoraChoice choice = now();
        file()->setCurrent(CompanionKind::Lora, choice.name);
        m_weight->setValue(choice.weight);
        m_textWeight->setValue(choice.textWeight);
        const bool apart = choice.weight != choice.textWeight || m_keptApart;
        m_apart->setChecked(apart);
        m_textWeight->setVisible(apart);
        QStringList words, written;
        if (const auto* info = m_document.companion(CompanionKind::Lora, choice.name))
            for (const std::string& word : info->triggerWords) words << toQString(word);
        if (words != m_words->chips()) m_words->setChips(words);
        for (const QString& word : words)
            if (hasWords(toQString(m_document.request().prompt), word)) written << word;
        m_words->setChosen(written);
        m_words->setVisible(!words.isEmpty());
        say(file()->problem());
    }

  private:
    LoraChoice now() const { return choiceAt(m_document.request(), m_index); }

    void connectParts() {
        connect(file(), &CompanionBox::picked, this,
                [this](CompanionKind, const std::string& name) {
                    LoraChoice choice = now();
                    choice.name = name;
                    m_edit(choice, "change of a LoRA", "");
                });
        connect(m_weight, &WeightField::edited, this, [this](double weight) {
            LoraChoice choice = now();
            if (!m_apart->isChecked()) choice.textWeight = weight;
            choice.weight = weight;
            m_edit(choice, "change of a LoRA's weight", "weight");
        });
        connect(m_textWeight, &WeightField::edited, this, [this](double weight) {
            LoraChoice choice = now();
            choice.textWeight = weight;
            m_edit(choice, "change of a LoRA's weight", "text weight");
        });
        for (WeightField* field : {m_weight, m_textWeight})
            connect(field, &WeightField::finished, &m_document, &RequestDocument::endEdit);
        connect(m_apart, &QToolButton::clicked, this, [this](bool apart) {
            m_keptApart = apart;
            LoraChoice choice = now();
            if (!apart) choice.textWeight = choice.weight;
            m_edit(choice, "change of a LoRA's weight", "");
            refresh();
        });
        connect(m_words, &ChipRow::toggled, this, [this](const QString& word, bool chosen) {
            const QString prompt = toQString(m_document.request().prompt);
            ImageRequest after = m_document.request();
            after.prompt =
                (chosen ? withWords(prompt, word) : withoutWords(prompt, word)).toStdString();
            m_document.edit(after, "use of a trigger word");
        });
    }

    RequestDocument& m_document;
    size_t m_index;
    Edit m_edit;
    WeightField* m_weight;
    WeightField* m_textWeight;
    QToolButton* m_apart;
    ChipRow* m_words;
    bool m_keptApart = false; // while both are equal
};

} // namespace

LoraSection::LoraSection(const Parts& parts)
    : ListSection(parts, "LoRA", "LoRA", {CompanionKind::Lora}) {
    begin();
}

EntryRow* LoraSection::makeRow(size_t index) {
    return new LoraRow(
        theme(), document(), index,
        [this, index](const LoraChoice& choice, const QString& undoText, const char* key) {
            ImageRequest after = request();
            after.loras[index] = toText(choice);
            const QString all = QString("lora %1 %2").arg(index).arg(key);
            apply(after, undoText, *key == 0 ? QString() : all);
        });
}

void LoraSection::add(CompanionKind, const std::string& name) {
    ImageRequest after = request();
    after.loras.push_back(toText(LoraChoice{name}));
    apply(after, "use of a LoRA");
}

void LoraSection::remove(size_t index) {
    ImageRequest after = request();
    after.loras.erase(after.loras.begin() + static_cast<std::ptrdiff_t>(index));
    apply(after, "removal of a LoRA");
}

QString LoraSection::summary() const {
    return request().loras.empty() ? QString() : QString::number(request().loras.size());
}

QStringList LoraSection::marks() const {
    QStringList marks = {"lora"};
    for (size_t i = 0; i < request().loras.size(); ++i)
        marks << markOf(choiceAt(request(), i).name);
    return marks;
}

} // namespace kinora::app
