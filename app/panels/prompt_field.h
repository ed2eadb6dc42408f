#pragma once
// The prompt with what its model knows: the styles as chips, completions while a subject is typed,
// and a hint for words that are unknown to it or known by another name. A model without a
// vocabulary has the text field alone.

#include "core/library/prompt_vocabulary.h"

#include <QTimer>
#include <QWidget>

namespace kinora::app {

class ChipRow;
class CompletionList;
class GrowingTextEdit;
class HintLine;
class RequestDocument;
class Theme;
class VocabularyLoader;

class PromptField : public QWidget {
    Q_OBJECT
  public:
    PromptField(const Theme& theme, RequestDocument& document, QWidget* parent = nullptr);

    GrowingTextEdit* edit() const { return m_edit; }

  signals:
    void modelsFolderWanted(); // to add a model that knows more

  private:
    void refresh();
    void typed();
    void take(const Result<core::PromptVocabulary>& vocabulary);
    void offerCompletions();
    void complete(const QString& text);
    void chooseStyle(const QString& style);
    void refreshHint();
    void useMeaning(const core::PromptVocabulary::Meaning& meaning);
    // One undo step of the prompt. cursor: where it stands afterwards.
    void write(const QString& prompt, qsizetype cursor);
    QString beforeCursor() const;
    bool insideWord() const;

    RequestDocument& m_document;
    VocabularyLoader* m_loader;
    core::PromptVocabulary m_vocabulary;
    QString m_problem; // of the vocabulary's file
    GrowingTextEdit* m_edit;
    ChipRow* m_styles;
    HintLine* m_hint;
    CompletionList* m_completions;
    QTimer m_settled;
    QString m_hinted; // the prompt that the hint is about
};

} // namespace kinora::app
